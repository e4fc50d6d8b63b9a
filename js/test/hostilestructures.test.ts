import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memory, open, StowageError } from 'stowage'
import { type Structures, structures } from 'stowage/structures'

import { hostile, outcome } from './hostile.js'

/** What an argument may be. */
type Takes = (given: unknown) => boolean

const key: Takes = given => typeof given === 'string' && given !== '' && given !== '\ud83d'
const value: Takes = given => typeof given === 'string' && given !== '\ud83d'
const score: Takes = given => typeof given === 'number' && !Number.isNaN(given)
const time: Takes = given => typeof given === 'number' && Number.isFinite(given)
const date: Takes = given => time(given instanceof Date ? given.getTime() : given)
const count: Takes = given => Number.isSafeInteger(given)
const whole: Takes = given => count(given) || given === 7n
const ttl: Takes = given => given === undefined || (count(given) && (given as number) >= 0)
const bool: Takes = given => typeof given === 'boolean'
const none: Takes = () => false
const options: Takes = given => given === undefined || (given === Object(given) && typeof given !== 'function' && !Array.isArray(given) && Object.keys(given as object).length === 0)

/** Every command, with arguments that it takes and what each of them may be. The last may be given again where it is a list. */
const commands: [name: keyof Structures, given: unknown[], takes: Takes[], list?: 'list'][] = [
  ['type', ['zset'], [key]],
  ['exists', ['zset'], [key], 'list'],
  ['del', ['other'], [key], 'list'],
  ['expire', ['text', 1e9], [key, time]],
  ['expireAt', ['text', 1e15], [key, date]],
  ['ttl', ['text'], [key]],
  ['persist', ['text'], [key]],
  ['get', ['text'], [key]],
  ['set', ['text', 'value', 9], [key, value, ttl]],
  ['setNX', ['anew', 'value', 9], [key, value, ttl]],
  ['getDel', ['text'], [key]],
  ['incrBy', ['number', 1], [key, whole]],
  ['setBool', ['bool', true, 9], [key, bool, ttl]],
  ['getBool', ['bool'], [key]],
  ['hSet', ['hash', { field: 'value' }], [key, none]],
  ['hGet', ['hash', 'field'], [key, key]],
  ['hMGet', ['hash', 'field'], [key, key], 'list'],
  ['hGetAll', ['hash'], [key]],
  ['hDel', ['hash', 'field'], [key, key], 'list'],
  ['hExists', ['hash', 'field'], [key, key]],
  ['hLen', ['hash'], [key]],
  ['hIncrBy', ['hash', 'number', 1], [key, key, whole]],
  ['zAdd', ['zset', { member: 'a', score: 1 }], [key, none], 'list'],
  ['zAddWith', ['zset', [{ member: 'a', score: 1 }], {}], [key, none, options]],
  ['zIncrBy', ['zset', 1, 'a'], [key, score, key]],
  ['zRem', ['zset', 'a'], [key, key], 'list'],
  ['zCard', ['zset'], [key]],
  ['zScore', ['zset', 'a'], [key, key]],
  ['zRank', ['zset', 'a'], [key, key]],
  ['zRevRank', ['zset', 'a'], [key, key]],
  ['zRange', ['zset', 0, -1], [key, count, count]],
  ['zRevRange', ['zset', 0, -1], [key, count, count]],
  ['zRangeByScore', ['zset', {}], [key, options]],
  ['zCount', ['zset', {}], [key, options]],
  ['zRemRangeByRank', ['zset', 0, 0], [key, count, count]],
  ['zRemRangeByScore', ['zset', {}], [key, options]],
  ['geoAdd', ['geo', { member: 'a', longitude: 1, latitude: 1 }], [key, none], 'list'],
  ['geoPos', ['geo', 'a'], [key, key]],
  ['geoDist', ['geo', 'a', 'b', 'm'], [key, key, key, given => given === undefined]],
  ['geoSearch', ['geo', { longitude: 1, latitude: 1, radius: 1 }], [key, none]],
]

/** The same of what stands within an argument. */
const within: [name: keyof Structures, given: (part: unknown) => unknown[], takes: Takes][] = [
  ['hSet', part => ['hash', { field: 'value', other: part }], value],
  ['hSet', part => ['hash', new Map([['field', 'value'], [part, 'value']])], key],
  ['zAdd', part => ['zset', { member: 'c', score: 1 }, { member: part, score: 1 }], key],
  ['zAdd', part => ['zset', { member: 'c', score: 1 }, { member: 'd', score: part }], score],
  ['zAddWith', part => ['zset', [{ member: 'c', score: 1 }, part]], none],
  ['zAddWith', part => ['zset', part], none],
  ['zAddWith', part => ['zset', [{ member: 'c', score: 1 }], { nx: part }], given => given === undefined || bool(given)],
  ...(['min', 'max'] as const).map((bound): (typeof within)[number] => ['zRangeByScore', part => ['zset', { [bound]: part }], given => given === undefined || given === null || score(given)]),
  ['zRangeByScore', part => ['zset', { offset: part }], ttl],
  ['zRangeByScore', part => ['zset', { count: part }], given => given === undefined || given === 7],
  ['geoAdd', part => ['geo', { member: 'c', longitude: 1, latitude: 1 }, { member: part, longitude: 1, latitude: 1 }], key],
  ['geoAdd', part => ['geo', { member: 'c', longitude: 1, latitude: 1 }, { member: 'd', longitude: part, latitude: 1 }], given => time(given)],
  ['geoAdd', part => ['geo', { member: 'c', longitude: 1, latitude: 1 }, { member: 'd', longitude: 1, latitude: part }], given => time(given)],
  ['geoSearch', part => ['geo', { longitude: part, latitude: 1, radius: 1 }], given => time(given)],
  ['geoSearch', part => ['geo', { longitude: 1, latitude: part, radius: 1 }], given => time(given)],
  ['geoSearch', part => ['geo', { member: part, radius: 1 }], key],
  ['geoSearch', part => ['geo', { member: 'a', radius: part }], given => given === 7 || given === 0.5 || given === Infinity],
  ['geoSearch', part => ['geo', { member: 'a', width: part, height: 1 }], given => given === 7 || given === 0.5 || given === Infinity],
  ['geoSearch', part => ['geo', { member: 'a', radius: 1, count: part }], given => given === undefined || given === 7],
  ['geoSearch', part => ['geo', { member: 'a', radius: 1, unit: part }], given => given === undefined],
  ['transaction', part => [part], given => typeof given === 'function'],
  ['view', part => [part], given => typeof given === 'function'],
]

async function filled(name: string) {
  const db = await open(name, { driver: memory() })
  const s = structures(db, 'structures', { clock: () => 1_800_000_000_000.5 }) // as high as clocks resolve
  await s.transaction(async t => {
    await t.set('text', 'value')
    await t.set('number', '1')
    await t.setBool('bool', true)
    await t.hSet('hash', { field: 'value', number: '1' })
    await t.zAdd('zset', { member: 'a', score: 1 }, { member: 'b', score: 2 })
    await t.geoAdd('geo', { member: 'a', longitude: 1, latitude: 1 }, { member: 'b', longitude: 2, latitude: 1 })
  })
  return { db, s, content: async () => (await db.store('structures').range()).map(pair => pair.map(bytes => Buffer.from(bytes).toString('hex')).join(' ')) }
}

/** Calls with everything hostile in every place. */
function* calls(): Generator<{ name: keyof Structures; given: unknown[]; taken: boolean; told: string }> {
  for (const [name, valid, takes, list] of commands) {
    for (const [at, may] of takes.entries()) {
      for (const [n, part] of hostile.entries()) {
        const [taken, told] = [may(part), `${name} with hostile ${n} as argument ${at}`]
        yield { name, given: valid.with(at, part), taken, told }
        if (list && at === valid.length - 1) yield { name, given: [...valid, part, valid.at(-1)], taken, told: `${told} and more` }
      }
    }
  }
  for (const [name, given, may] of within) {
    for (const [n, part] of hostile.entries()) yield { name, given: given(part), taken: may(part), told: `${name} with hostile ${n} in ${given}` }
  }
}

test('every command of structures takes what it says, and refuses the rest with a code and without a trace', async () => {
  const { db, s, content } = await filled('hostile')
  const before = await content()
  const all = [...calls()]
  for (const { name, given, taken, told } of all) if (!taken) assert.match(await outcome(s, name, given), /^invalid_(argument|key|option)$/, told)
  assert.deepEqual(await content(), before)
  for (const { name, given, taken, told } of all) if (taken) assert.match(await outcome(s, name, given), /^(taken|wrong_type|not_found)$/, told)
  await db.close()
})

test('structures refuse to be made of what is none', async () => {
  const db = await open('made', { driver: memory() })
  for (const none of hostile) {
    assert.throws(() => structures(none as never, 's'), StowageError)
    assert.throws(() => structures(db, 's').in(none as never), StowageError)
    if (none !== undefined && none !== null) assert.throws(() => structures(db, 's', { value: none as never }), StowageError)
    if (Object(none) === none) await assert.rejects(async () => structures(db, none as never).get('key'), StowageError)
    if (!Number.isFinite(none)) await assert.rejects(structures(db, 's', { clock: () => none as never }).set('key', 'value', 1), StowageError)
  }
  await db.close()
})
