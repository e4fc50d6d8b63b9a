/*
 * The frames that cross between the engine and its host. Every frame is one
 * MessagePack value: a request [operation, transaction, table, …arguments], a
 * result, a request for input or output that a task yields, and the reply to
 * it. The first request is Open; it carries the version of this protocol, and
 * so does its result: both sides refuse to talk to another version.
 *
 * The other end stands in wasm/wire; both are held to the frames in
 * wasm/wire/testdata/frames.json.
 */
import { StowageError } from '../errors.js'
import { writeKey } from '../document/key.js'

/** The version of the frames. Any change to them raises it. */
export const protocolVersion = 24

/** What can be asked of the engine. The numbers are part of the protocol. */
export const enum Op {
  Open = 1,
  Close = 2,
  Table = 3,
  Get = 4,
  GetMany = 5,
  Insert = 6,
  Put = 7,
  Update = 8,
  Delete = 9,
  Find = 10,
  Count = 11,
  DeleteWhere = 12,
  UpdateWhere = 13,
  Explain = 14,
  Begin = 15,
  Commit = 16,
  Rollback = 17,
  Checkpoint = 18,
  Check = 19,
  Stat = 20,
  /** Writes what buffered commits have left. */
  Flush = 21,
  /** Which environment it is, and how far it has come. */
  Identity = 22,
  /** Empties a table; removes one; lists them. */
  Truncate = 23,
  DropTable = 24,
  Tables = 25,
  /** Tells which version of the data is known here; raises that of the data by one in a transaction: see migrate.ts. */
  Understand = 26,
  Raise = 27,
  /** Changes the keys, by a change of that number: see sealing.ts. */
  Amend = 28,
  /** Has blobs pass another chain, or the same one with newer keys. */
  Rechain = 29,
  Rotate = 34,
  /** The backup of everything: see backup.ts. */
  Export = 30,
  Import = 31,
  Copy = 32,
  /** What can still be read of a damaged environment: see salvage.ts. */
  Salvage = 33,
  DBGet = 40,
  DBGetMulti = 41,
  DBWalk = 42,
  DBPut = 43,
  DBDelete = 44,
  DBPop = 45,
  DBReplace = 46,
  DBEmpty = 47,
  DBDrop = 48,
  DBStat = 49,
  DBCount = 50,
  DBs = 51,
  CursorOpen = 52,
  CursorMove = 53,
  CursorEdit = 54,
  CursorCount = 55,
  CursorWalk = 56,
  CursorClose = 57,
  /** Has the engine catch up with other contexts. */
  Sync = 64,
  /** Tells the engine what was heard of them: a Sign. */
  Heard = 65,
  /** Asks a query whose answer is kept up to date, waits until it has to be asked again, ends that: see live.ts. */
  Live = 66,
  Changed = 67,
  Unlive = 68,
  /** Forgets the answers to queries that a table keeps. */
  ClearCache = 69,
  /** Publishes and deletes what contexts that merge need and do not; names what this one has committed: see replica.ts. */
  Compact = 70,
  Token = 71,
  SyncAfter = 72,
  /** Runs a statement of SQL: see sql.ts. */
  SQL = 73,
  /** Only for tests: makes the engine fail in a chosen way. */
  Fault = 127,
}

/** Where a cursor goes. */
export const enum Move {
  First = 0,
  Last = 1,
  Next = 2,
  Prev = 3,
  FirstDup = 4,
  LastDup = 5,
  NextDup = 6,
  PrevDup = 7,
  NextNoDup = 8,
  PrevNoDup = 9,
  Seek = 10,
  SeekExact = 11,
  SeekFloor = 12,
  SeekBelow = 13,
  SeekPair = 14,
  SeekExactPair = 15,
}

/** What is done where a cursor stands. */
export const enum Edit {
  Put = 0,
  Replace = 1,
  Pop = 2,
  Delete = 3,
  DeleteKey = 4,
}

/** How a call of begin or step ended, as the result header says. */
export const enum Status {
  /** The header was not written: the instance is dead. */
  None = 0,
  /** The operation is over; the payload is its result. */
  Done = 1,
  /** The operation is over; the payload is [code, message]. */
  Failed = 2,
  /** The task waits for the bytes of blobs: payload [name…]. Reply: [bytes or nil …]. */
  Read = 3,
  /** The task waits for a batch to be written: payload [puts, adds, root, deletes, durability]. Reply: nil. */
  Commit = 4,
  /** The task waits for the names with a prefix: payload the prefix. Reply: [name…]. */
  List = 5,
  /** The task waits for the backend's description: payload whether what is held is to be counted. Reply: [atomic, prefix durable, max blob, blobs, bytes, shared]. */
  Info = 6,
  /** The task waits for the backend to be closed: no payload. Reply: nil. */
  Close = 7,
  /** The task lets others run: no payload. Reply: nil. */
  Breathe = 8,
  /** The task waits for another one: no payload, no reply; it is stepped once its number is listed as ready. */
  Wait = 9,
  /** A part of a result: payload [document…]. Reply: nil, when more is wanted. */
  Rows = 10,
  /** How far the task is: payload [done, total]. Reply: nil. */
  Progress = 11,
  /** What get was to read is not in memory; a Get has to be begun. */
  Missed = 12,
  /** The task wants something among contexts: payload [verb, …arguments]. Reply: as the verb says. */
  Among = 13,
  /** The task asks functions of a filter: payload [[number, [value …]] …]. Reply: [[answer …] …]. */
  Ask = 14,
  /** The task waits for what a stage makes of blobs: payload [set, kind, id, direction, [[kind, name, before, bytes] …]]. Reply: [bytes or nil …]. */
  Seal = 15,
  /** The task waits for a stage to load its keys: payload [set, kind, id, environment, header or nil]. Reply: the header. */
  Load = 16,
  /** The task waits for what a change of keys makes of the header: payload [number of the change, header]. Reply: the header. */
  Amend = 17,
  /** The task waits for the next bytes of the stream it reads: no payload. Reply: bytes, or nil at its end. */
  Feed = 30,
  /** The task waits: payload milliseconds. Reply: nil. */
  Sleep = 40,
}

/** What is wanted among contexts. Ids of contexts are hexadecimal, for they use all 64 bits. */
export const enum Verb {
  /** [id] */
  Join = 1,
  /** [name, patience in milliseconds, whether to wait]. Reply: a number, 0 where another context has it. */
  Lock = 2,
  /** [that number] */
  Unlock = 3,
  /** [name of a lock] */
  Alive = 4,
  /** [] */
  Contest = 5,
  /** [read, known] */
  Pin = 6,
  /** [] */
  Linger = 7,
  /** []. Reply: [read, known, [id…]], with nil for the numbers where there is nobody. */
  Others = 8,
}

/** What one context lets others know, by its number in frames. */
export const enum Sign {
  Committed = 1,
  Contested = 2,
  Moved = 3,
}

/** The words of the result header: 32 bits each, little-endian. */
export const enum Header {
  Status = 0,
  Task = 1,
  Payload = 2,
  PayloadLength = 3,
  Ready = 4,
  ReadyCount = 5,
  Words = 6,
}

/**
 * Writes one frame. It grows as needed, and may be laid over memory of the
 * engine, in which case a frame that fits is written where it is read.
 */
export class FrameWriter {
  bytes: Uint8Array
  /** Where the frame starts in bytes, and where it goes on. */
  start = 0
  at = 0
  private end: number
  private own: boolean

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity)
    this.end = capacity
    this.own = true
  }

  /** Starts a frame over somebody else's memory. */
  lay(bytes: Uint8Array, start: number, length: number): this {
    this.bytes = bytes
    this.start = this.at = start
    this.end = start + length
    this.own = false
    return this
  }

  /** Starts a frame in the writer's own memory. */
  reset(): this {
    if (!this.own) {
      this.bytes = new Uint8Array(256)
      this.end = 256
      this.own = true
    }
    this.start = this.at = 0
    return this
  }

  /** The frame so far: a view, valid until the writer is used again. */
  frame(): Uint8Array {
    return this.bytes.subarray(this.start, this.at)
  }

  get length(): number {
    return this.at - this.start
  }

  byte(value: number): void {
    if (this.at === this.end) this.room(1)
    this.bytes[this.at++] = value
  }

  nil(): this {
    this.byte(0xc0)
    return this
  }

  bool(value: boolean): this {
    this.byte(value ? 0xc3 : 0xc2)
    return this
  }

  uint(value: number): this {
    if (value < 0x80) {
      this.byte(value)
    } else if (value < 0x100) {
      this.byte(0xcc)
      this.byte(value)
    } else if (value < 0x10000) {
      this.byte(0xcd)
      this.big(value, 2)
    } else if (value < 0x100000000) {
      this.byte(0xce)
      this.big(value, 4)
    } else {
      this.byte(0xcf)
      this.big(Math.floor(value / 0x100000000), 4)
      this.big(value % 0x100000000, 4)
    }
    return this
  }

  /** A whole number that may be below zero. */
  int(value: number): this {
    if (value >= 0) return this.uint(value)
    if (value >= -0x20) {
      this.byte(0x100 + value)
    } else {
      this.byte(0xd3)
      this.big(Math.floor(value / 0x100000000) >>> 0, 4)
      this.big(value >>> 0, 4)
    }
    return this
  }

  array(length: number): this {
    if (length < 16) {
      this.byte(0x90 | length)
    } else if (length < 0x10000) {
      this.byte(0xdc)
      this.big(length, 2)
    } else {
      this.byte(0xdd)
      this.big(length, 4)
    }
    return this
  }

  string(text: string): this {
    const bytes = encoder.encode(text)
    if (bytes.length < 32) {
      this.byte(0xa0 | bytes.length)
    } else {
      this.byte(0xdb)
      this.big(bytes.length, 4)
    }
    return this.raw(bytes)
  }

  bin(...parts: Uint8Array[]): this {
    const length = parts.reduce((sum, bytes) => sum + bytes.length, 0)
    if (length < 0x100) {
      this.byte(0xc4)
      this.byte(length)
    } else if (length < 0x10000) {
      this.byte(0xc5)
      this.big(length, 2)
    } else {
      this.byte(0xc6)
      this.big(length, 4)
    }
    for (const bytes of parts) this.raw(bytes)
    return this
  }

  /** Bytes, or nil for none. */
  optional(bytes: Uint8Array | undefined): this {
    return bytes === undefined ? this.nil() : this.bin(bytes)
  }

  /** Appends what is MessagePack already. */
  raw(bytes: Uint8Array): this {
    if (this.at + bytes.length > this.end) this.room(bytes.length)
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
    return this
  }

  /** Appends the key of an identity as it is, without a head that tells its length. */
  bareKey(value: unknown): this {
    if (value === null) throw new StowageError('invalid_key', 'null cannot be an identity')
    writeKey(this, value)
    return this
  }

  /** Appends the key of an identity, as bytes. */
  key(value: unknown): this {
    this.byte(0xc5)
    this.big(0, 2)
    const body = this.at - this.start
    this.bareKey(value)
    const length = this.at - this.start - body
    if (length >= 0x10000) throw tooLongKey(length)
    const head = this.start + body - 2
    this.bytes[head] = length >> 8
    this.bytes[head + 1] = length
    return this
  }

  private big(value: number, bytes: number): void {
    if (this.at + bytes > this.end) this.room(bytes)
    for (let shift = (bytes - 1) * 8; shift >= 0; shift -= 8) this.bytes[this.at++] = value >>> shift
  }

  /** Moves the frame to memory of its own with room for n more bytes. */
  private room(n: number): void {
    const bytes = new Uint8Array(Math.max((this.length + n) * 2, 256))
    bytes.set(this.bytes.subarray(this.start, this.at))
    this.at = this.length
    this.start = 0
    this.bytes = bytes
    this.end = bytes.length
    this.own = true
  }
}

const encoder = new TextEncoder()

function tooLongKey(length: number): StowageError {
  return new StowageError('too_large', `a key of ${length} bytes is longer than 65535`)
}
