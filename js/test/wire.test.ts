import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { packValue, unpack } from '../src/document/document.js'
import { writeOthers } from '../src/bridge/among.js'
import { StowageError } from '../src/errors.js'
import { writeAnswer } from '../src/bridge/io.js'
import { packValue } from '../src/document/document.js'
import { packLive } from '../src/live.js'
import { compress, modifier, writeChain } from '../src/modifier/modifier.js'
import { packQuery, query } from '../src/query/query.js'
import { FrameWriter, Move, Op, Sign, Verb } from '../src/bridge/wire.js'

/** The same frames that wasm/wire reads and writes in its tests. */
const frames = new Map(
  (JSON.parse(readFileSync('../wasm/wire/testdata/frames.json', 'utf8')) as { name: string; hex: string }[]).map(f => [f.name, f.hex]),
)

const hex = (frame: FrameWriter) => Buffer.from(frame.frame()).toString('hex')
const request = (op: Op, length: number, transaction = 0, table = 0) =>
  new FrameWriter(1).array(length).uint(op).uint(transaction).uint(table)

const onDatabase = (op: Op, count: number) => request(op, 3 + count, 7).array(3).string('d').uint(1).bool(true)

const seal = (bytes: Uint8Array) => bytes

/** What a host writes, by name. */
const written: Record<string, FrameWriter> = {
  open: writeChain(
    request(Op.Open, 11).uint(24).uint(33554432).uint(16777216).uint(1).uint(65536).uint(250).bin(new Uint8Array(32).fill(7)),
    [compress('s2'), modifier(200, { seal, open: seal })],
  ),
  change: request(Op.Amend, 4).uint(300),
  salvage: writeChain(request(Op.Salvage, 4), [compress()]),
  table: request(Op.Table, 10, 0, 1)
    .string('cities').array(1).string('id').bool(true).array(2)
    .array(4).string('country,at.0').array(2).array(1).string('country').array(2).string('at').uint(0).bool(false).bool(false)
    .array(4).string('tags').array(1).array(1).string('tags').bool(true).bool(false).int(10).bool(true).bool(true),
  get: request(Op.Get, 4, 300, 2).key('Oslo'),
  getMany: request(Op.GetMany, 4).array(2).key(1).key(-2.5),
  insert: request(Op.Insert, 5, 70000, 1).bool(true).array(2).raw(Uint8Array.of(0x80)).raw(Uint8Array.of(0x81, 0xa2, 0x69, 0x64, 2)),
  update: request(Op.Update, 5).key(1).raw(Uint8Array.of(0x81, 0xa1, 0x61, 1)),
  begin: request(Op.Begin, 5).uint(2).uint(1),
  dbPut: onDatabase(Op.DBPut, 3).uint(1).array(4).bin(Uint8Array.of(1)).bin(Uint8Array.of(2)).bin(Uint8Array.of(3)).bin(new Uint8Array(0)),
  dbDelete: onDatabase(Op.DBDelete, 2).array(4).bin(Uint8Array.of(1)).nil().bin(Uint8Array.of(2)).optional(Uint8Array.of(3)),
  dbReplace: onDatabase(Op.DBReplace, 3).bin(Uint8Array.of(1)).bin(Uint8Array.of(2)),
  dbWalk: onDatabase(Op.DBWalk, 6).array(5).bin(Uint8Array.of(1)).bool(true).nil().bool(false).optional(undefined).bool(true).uint(3).uint(3).int(-1),
  cursorMove: request(Op.CursorMove, 7, 9).uint(300).uint(Move.SeekPair).bin(Uint8Array.of(1)).bin(Uint8Array.of(2)),
  cursorWalk: request(Op.CursorWalk, 8, 9).uint(300).bool(false).uint(1).uint(300).int(50),
  done: writeAnswer(new FrameWriter(), { kind: 'done' }),
  blobs: writeAnswer(new FrameWriter(), { kind: 'blobs', blobs: [Uint8Array.of(0x61, 0x62), undefined, new Uint8Array(0)] }),
  names: writeAnswer(new FrameWriter(), { kind: 'names', names: ['l/0000000000000001', 'l/0000000000000002'] }),
  info: writeAnswer(new FrameWriter(), {
    kind: 'info',
    info: { atomic: true, prefixDurable: false, maxBlob: 65535, blobs: -1, bytes: 5_000_000_000 },
    shared: true,
  }),
  heard: request(Op.Heard, 4).uint(Sign.Contested),
  sql: request(Op.SQL, 6).raw(packValue(['SELECT ?', 5])).uint(1).uint(100),
  liveSQL: request(Op.Live, 4).raw(packLive(packValue(['SELECT ?', 5]), 7, true)),
  live: request(Op.Live, 4).raw(packLive(packQuery({ ...query(undefined), limit: 5 }).bytes, 7, true)),
  locked: writeAnswer(new FrameWriter(), { kind: 'reply', reply: frame => frame.uint(7) }),
  others: writeAnswer(new FrameWriter(), { kind: 'reply', reply: writeOthers({ pin: { read: 2, known: 3 }, ids: ['deadbeef01234567', '1'] }) }),
  nobody: writeAnswer(new FrameWriter(), { kind: 'reply', reply: writeOthers({ pin: undefined, ids: [] }) }),
  part: writeAnswer(new FrameWriter(), { kind: 'part', bytes: Uint8Array.of(1, 2, 3) }),
  answers: writeAnswer(new FrameWriter(), { kind: 'packed', bytes: packValue([null, [[true, false], ['x']]]) }),
  import: writeChain(request(Op.Import, 6).bool(true).uint(300), [compress('deflate')]),
  failed: writeAnswer(new FrameWriter(), { kind: 'failed', error: Object.assign(new StowageError('quota', ''), { message: 'no space' }) }),
}

for (const [name, frame] of Object.entries(written)) {
  test(`the frame ${name} is what the engine reads`, () => assert.equal(hex(frame), frames.get(name)))
}

test('what the engine asks for can be read', () => {
  const read = (name: string) => {
    const bytes = Buffer.from(frames.get(name)!, 'hex')
    return unpack(bytes, 0, bytes.length)
  }
  const bytes = (...values: number[]) => Buffer.from(values)
  const [puts, adds, root, removes, removed, strict] = read('batch') as [[string, Uint8Array][], [string, Uint8Array][], [null, Uint8Array], string[], [string, string], boolean]
  assert.deepEqual(puts.map(([name, b]) => [name, Buffer.from(b)]), [['p/1', bytes(1, 2)]])
  assert.deepEqual(adds.map(([name, b]) => [name, Buffer.from(b)]), [['l/1', bytes(3)]])
  assert.deepEqual([root[0], Buffer.from(root[1])], [null, bytes(4)])
  assert.deepEqual([removes, removed, strict], [['p/0'], ['l/0', 'l/9'], true])
  assert.deepEqual(read('read'), ['r', 'p/1'])
  assert.deepEqual(read('sealing'), [300, 4, 200, 1, [[3, 'p/1', bytes(2, 1), bytes(1, 2)]]])
  assert.deepEqual(read('load'), [300, 3, 1, bytes(7, ...new Uint8Array(15)), null])
  assert.deepEqual(read('amend'), [300, bytes(1)])
  assert.equal(read('list'), 'l/')
  assert.deepEqual(read('asks'), [[0, [1, 'a']], [2, [null]]])
  assert.deepEqual(read('progress'), [3, 1000])
  assert.deepEqual(read('join'), [Verb.Join, 'deadbeef01234567'])
  assert.deepEqual(read('lock'), [Verb.Lock, 'write', 2000, true])
  assert.deepEqual(read('pin'), [Verb.Pin, 3, 4])
  assert.deepEqual(read('failure'), ['conflict', 'commit: conflict'])
})

test('a frame that outgrows the memory it was laid over moves whole', () => {
  const memory = new Uint8Array(64)
  const frame = new FrameWriter(0).lay(memory, 8, 16)
  frame.array(2).uint(1).raw(new Uint8Array(100).fill(7))
  assert.notEqual(frame.bytes, memory)
  assert.deepEqual([...frame.frame().subarray(0, 4)], [0x92, 1, 7, 7])
  assert.equal(frame.length, 102)
})
