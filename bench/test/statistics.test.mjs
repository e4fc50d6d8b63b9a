import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judged } from '../gates.mjs'
import { readOptions } from '../options.mjs'
import { median, rowsOf } from '../statistics.mjs'
import { duration, tableOf } from '../table.mjs'

const sample = (peer, repetition, ms, more) => ({ work: 'scan', n: 10, peer, repetition, ms, correct: true, ...more })

test('a ratio is the median of the ratios of single repetitions', () => {
  const [, stowage] = rowsOf([
    sample('idb', 0, 10), sample('stowage', 0, 1),
    sample('stowage', 1, 4), sample('idb', 1, 20),
    sample('idb', 2, 5), sample('stowage', 2, 4),
  ])
  assert.deepEqual(stowage, {
    work: 'scan', n: 10, peer: 'stowage', median_ms: 4, min_ms: 1, max_ms: 4,
    ratio_to_idb: 0.2, ratio_min: 0.1, ratio_max: 0.8, ratio_to_dexie: null, correct: true,
  })
})

test('a ratio to Dexie is taken likewise', () => {
  const [, stowage] = rowsOf([sample('dexie', 0, 10), sample('stowage', 0, 1), sample('dexie', 1, 10), sample('stowage', 1, 3)])
  assert.equal(stowage.ratio_to_dexie, 0.2)
  assert.equal(stowage.ratio_to_idb, null)
  assert.match(tableOf([stowage], { work: ['scan'], peers: ['dexie', 'stowage'] }), /of dexie[^]*0\.20/)
})

test('a peer that encrypts is held against the same one in clear', () => {
  const [, sealed] = rowsOf([sample('rxdb', 0, 10), sample('rxdb-sealed', 0, 30), sample('rxdb', 1, 10), sample('rxdb-sealed', 1, 50)])
  assert.equal(sealed.ratio_to_clear, 4)
  assert.match(tableOf([sealed], { work: ['scan'], peers: ['rxdb-sealed'] }), /of clear[^]*4\.00/)
  const gate = { peer: 'rxdb-sealed', work: 'scan', field: 'ratio_to_clear', gate: 1.35 }
  assert.match(judged(gate, [sealed])[0], /^MISSED +scan, rxdb-sealed at 10 /)
})

test('a statement is held against the other peers in SQL', () => {
  const [stowage, sqlite] = rowsOf([
    sample('stowage', 0, 3), sample('sqlite', 0, 2), sample('pglite', 0, 6),
    sample('stowage', 1, 5), sample('sqlite', 1, 2), sample('pglite', 1, 10),
  ])
  assert.deepEqual([stowage.ratio_to_sqlite, stowage.ratio_to_pglite, sqlite.ratio_to_sqlite], [2, 0.5, undefined])
  assert.match(tableOf([stowage], { work: ['scan'], peers: ['stowage'] }), /of sqlite[^]*of pglite[^]*2\.00 +0\.50/)
})

test('a peer that failed once is neither dropped nor correct', () => {
  const [row] = rowsOf([sample('dexie', 0, 3), sample('dexie', 1, undefined, { correct: false, error: 'QuotaExceededError' })])
  assert.equal(row.median_ms, 3)
  assert.equal(row.correct, false)
  assert.equal(row.error, 'QuotaExceededError')
  assert.equal(row.ratio_to_idb, null)
  assert.match(tableOf([row], { work: ['scan'], peers: ['idb', 'dexie'] }), /WRONG[^]*dexie, scan: QuotaExceededError/)
})

test('a peer that never answered stands in the table', () => {
  const rows = rowsOf([sample('dexie', 0, undefined, { correct: false, error: 'no answer' })])
  assert.match(tableOf(rows, { work: ['scan'], peers: ['dexie'] }), /failed/)
})

test('median of an even, an odd and an empty list', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(median([30, 4, 100]), 30)
  assert.equal(median([]), null)
})

test('durations are shown in the unit that suits them', () => {
  assert.deepEqual([0.0073, 0.42, 12.34, 1250].map(duration), ['7.3 µs', '0.420 ms', '12.3 ms', '1.25 s'])
})

test('a gate is met, missed or not measured', () => {
  const gate = { work: 'scan', field: 'ratio_to_idb', gate: 0.4, aim: 0.1 }
  const row = (ratio_to_idb, correct = true) => [{ work: 'scan', n: 10, peer: 'stowage', ratio_to_idb, correct }]
  assert.match(judged(gate, row(0.05))[0], /^reached /)
  assert.match(judged(gate, row(0.3))[0], /^met /)
  assert.match(judged(gate, row(0.5))[0], /^MISSED /)
  assert.match(judged(gate, row(0.05, false))[0], /^WRONG /)
  assert.match(judged(gate, [])[0], /^not measured/)
  assert.match(judged(gate, row(null))[0], /^not measured/)
  assert.match(judged(gate, row(null, false))[0], /^WRONG /)
})

test('options come from the environment and over it from arguments', () => {
  const [options] = readOptions({ N: '10', PEERS: 'stowage,idb', HOME: '/' }, ['N=20,30', 'WORK=scan'])
  assert.deepEqual(options.n, [20, 30])
  assert.deepEqual(options.peers, ['idb', 'stowage'])
  assert.deepEqual(options.work, ['scan'])
})

test('every campaign is run, unless it is said what to measure', () => {
  const runs = readOptions({ REPS: '3', N: '' }, [])
  assert.deepEqual(runs.map(({ campaign }) => campaign), [undefined, 'million', 'overwrite', 'sealed', 'pull', 'sorted', 'sql'])
  assert.deepEqual(runs.map(({ reps }) => reps), [3, 3, 3, 3, 3, 3, 3])
  assert.deepEqual(readOptions({}, ['N=10000']).map(({ campaign, n }) => [campaign, n]), [[undefined, [10000]]])
})

test('rows of SQL are a campaign with peers of its own', () => {
  const [all] = readOptions({ WORK: 'sql' }, [])
  assert.deepEqual(all.peers, ['stowage', 'sqlite', 'pglite'])
  assert.equal(all.work.at(-1), 'live-sql')
  const [some] = readOptions({ WORK: 'sql-group,sql-point' }, [])
  assert.deepEqual([some.campaign, some.work], ['sql', ['sql-point', 'sql-group']])
  assert.throws(() => readOptions({ WORK: 'sql-group,scan' }, []), /WORK=scan/)
})

test('an option that makes no sense is refused by name', () => {
  assert.throws(() => readOptions({}, ['PEERS=pouchdb']), /PEERS=pouchdb/)
  assert.throws(() => readOptions({ REPS: '0' }, []), /REPS=0/)
  assert.throws(() => readOptions({}, ['REP=3']), /REP=3/)
})
