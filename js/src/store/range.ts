import type { Coder } from '../coder/coder.js'
import { unpack } from '../document/document.js'
import type { Decode, Exchange } from '../bridge/engine.js'
import { StowageError } from '../errors.js'
import { parts, type Rows } from '../query/find.js'
import { Options } from '../options.js'
import { type Scope, send } from '../bridge/scope.js'
import type { Coding } from './coding.js'
import { FrameWriter, Op } from '../bridge/wire.js'

/** A range of keys. Without any bound it is all of them. */
export interface Bounds<K> {
  gt?: K
  gte?: K
  lt?: K
  lte?: K
  /** Keys that begin with the bytes of this one, or with reverseKey end with them. Goes with no other bound. */
  prefix?: K
}

/** What is read of a range, and how. */
export interface RangeOptions<K> extends Bounds<K> {
  reverse?: boolean
  /** How many entries to leave out first: no more work than to read one, where the engine can count them. */
  offset?: number
  limit?: number
  /** With false, the result is values alone. */
  keys?: boolean
  /** With false, the result is keys alone. */
  values?: boolean
  signal?: AbortSignal
}

/** Encodes bounds: [low, whether low is out, high, whether high is in, prefix]. */
export function encodeBounds<K>(o: Options, coder: Coder<K>): Uint8Array {
  const key = (name: keyof Bounds<K>) => {
    const given = o.any(name)
    return given === undefined ? undefined : coder.encode(given as K)
  }
  const [gt, gte, lt, lte, prefix] = [key('gt'), key('gte'), key('lt'), key('lte'), key('prefix')]
  const [low, high] = [gt ?? gte, lt ?? lte]
  if ((gt && gte) || (lt && lte) || (prefix && (low || high))) {
    throw new StowageError('invalid_option', 'a range has one lower and one upper bound, or a prefix')
  }
  const frame = new FrameWriter().array(5)
  return frame.optional(low).bool(gt !== undefined).optional(high).bool(lte !== undefined).optional(prefix).frame()
}

/** Encodes bounds and nothing else. */
export function boundsOf<K>(call: string, given: Bounds<K> | undefined, coder: Coder<K>): Uint8Array {
  const o = new Options(call, given)
  const bounds = encodeBounds(o, coder)
  o.done()
  return bounds
}

/** Sends an operation of a store with so many arguments, the database being the first. */
export type SendTo = <R>(op: Op, count: number, write: (f: FrameWriter) => void, decode: Decode<R>, exchange?: Exchange) => Promise<R>

/** Which parts of an entry are wanted, by their bits in frames. */
const enum Fields {
  Keys = 1,
  Values = 2,
  Both = 3,
}

/** What a walk is told: [reverse, fields, skip, limit]. */
interface Walk {
  bounds: Uint8Array
  reverse: boolean
  fields: Fields
  offset: number
  limit: number
  signal: AbortSignal | undefined
}

/**
 * A range of a store, which is read when it is awaited, and once for each time;
 * or while it is iterated, in which case no more than a part is held at once.
 */
export class Range<R> implements PromiseLike<R[]>, AsyncIterable<R> {
  /** @internal */
  constructor(
    private readonly scope: Scope,
    private readonly send: SendTo,
    private readonly coding: Coding<unknown, unknown>,
    private readonly options: RangeOptions<never> | undefined,
  ) {}

  then<A = R[], B = never>(
    fulfilled?: ((value: R[]) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.run().then(fulfilled, rejected)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<R, void, undefined> {
    const walk = this.read()
    const lists = this.scope.transaction === 0 ? parts<Uint8Array>(onRows => this.stream(walk, onRows), true) : this.pages(walk)
    for await (const list of lists) yield* await this.entries(walk, list)
  }

  private async run(): Promise<R[]> {
    const walk = this.read()
    const lists: Uint8Array[][] = []
    const last = await this.stream(walk, (bytes, start, end) => {
      lists.push(readList(bytes, start, end))
      return true
    })
    lists.push(last)
    return this.entries(walk, lists.flat())
  }

  /** The whole range in one call, part by part. */
  private stream(walk: Walk, onRows: Rows): Promise<Uint8Array[]> {
    const write = (f: FrameWriter) => writeWalk(f.raw(walk.bounds), walk, walk.offset, walk.limit)
    return this.send(Op.DBWalk, 6, write, readList, { signal: walk.signal, onRows })
  }

  /** The range in calls of its own, so that the transaction can be used in between. */
  private async *pages(walk: Walk): AsyncGenerator<Uint8Array[], void, undefined> {
    const cursor = await this.send(Op.CursorOpen, 2, f => f.raw(walk.bounds), readNumber)
    try {
      for (let { offset, limit: left } = walk; left !== 0; offset = 0) {
        const write = (f: FrameWriter) => writeWalk(f.uint(cursor), walk, offset, left)
        const list = await send(this.scope, 0, Op.CursorWalk, 8, write, readList, { signal: walk.signal })
        if (list.length === 0) return
        if (left > 0) left -= walk.fields === Fields.Both ? list.length / 2 : list.length
        yield list
      }
    } finally {
      // Where this fails, the transaction has ended, and the cursor with it.
      await send(this.scope, 0, Op.CursorClose, 4, f => f.uint(cursor), readNumber).catch(() => {})
    }
  }

  /** Decodes a list of keys, of values, or of both in turn. */
  private async entries(walk: Walk, list: Uint8Array[]): Promise<R[]> {
    const { coding } = this
    if (walk.fields === Fields.Keys) return list.map(key => coding.key.decode(key)) as R[]
    if (walk.fields === Fields.Values) return coding.unpack(this.scope, list) as Promise<R[]>
    const values = await coding.unpack(this.scope, list.filter((_, i) => i % 2 === 1))
    return values.map((value, i) => [coding.key.decode(list[2 * i]!), value]) as R[]
  }

  private read(): Walk {
    const o = new Options('range', this.options)
    const bounds = encodeBounds(o, this.coding.key)
    const keys = o.boolean('keys') ?? true
    const values = o.boolean('values') ?? true
    const walk = { bounds, reverse: o.boolean('reverse') ?? false, offset: o.integer('offset') ?? 0, limit: o.integer('limit') ?? -1, signal: o.signal() }
    o.done()
    if (!keys && !values) throw o.wrong('keys', 'true where values is false')
    return { ...walk, fields: (keys ? Fields.Keys : 0) | (values ? Fields.Values : 0) }
  }
}

function writeWalk(frame: FrameWriter, { reverse, fields }: Walk, offset: number, limit: number): FrameWriter {
  return frame.bool(reverse).uint(fields).uint(offset).int(limit)
}

const readList = unpack as Decode<Uint8Array[]>
const readNumber = unpack as Decode<number>
