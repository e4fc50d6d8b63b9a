import type { Decode } from '../bridge/engine.js'
import type { Coding } from './coding.js'
import { unpack } from '../document/document.js'
import { type Scope, send } from '../bridge/scope.js'
import { Edit, type FrameWriter, Move, Op } from '../bridge/wire.js'

/** An entry as the engine tells it. */
type Entry = [key: Uint8Array, value: Uint8Array] | null

/**
 * A place in a store, within a transaction. Every move tells whether it found an
 * entry; after false the cursor stands nowhere, and key and value are undefined.
 * From nowhere `next` goes to the first entry and `prev` to the last one.
 *
 * The other end is wasm/cursor.go.
 */
export class Cursor<K, V> {
  /** The key and the value of the entry the cursor stands on. */
  key: K | undefined
  value: V | undefined
  private at: Entry = null
  /** Whether a deletion has put the cursor where it stands, on what follows. */
  private carried = false

  /** @internal */
  constructor(
    private readonly scope: Scope,
    private readonly number: number,
    private readonly coding: Coding<K, V>,
  ) {}

  first(): Promise<boolean> {
    return this.move(Move.First)
  }

  last(): Promise<boolean> {
    return this.move(Move.Last)
  }

  next(): Promise<boolean> {
    return this.move(Move.Next)
  }

  prev(): Promise<boolean> {
    return this.move(Move.Prev)
  }

  /** To the first entry at or above a key. */
  seek(key: K): Promise<boolean> {
    return this.move(Move.Seek, key)
  }

  /** To a key. */
  seekExact(key: K): Promise<boolean> {
    return this.move(Move.SeekExact, key)
  }

  /** To the last entry at or below a key. */
  seekFloor(key: K): Promise<boolean> {
    return this.move(Move.SeekFloor, key)
  }

  /** To the last entry below a key. */
  seekBelow(key: K): Promise<boolean> {
    return this.move(Move.SeekBelow, key)
  }

  /** To a key and its first value at or above a value. */
  seekPair(key: K, value: V): Promise<boolean> {
    return this.move(Move.SeekPair, key, value)
  }

  /** To a key with a value. */
  seekExactPair(key: K, value: V): Promise<boolean> {
    return this.move(Move.SeekExactPair, key, value)
  }

  /** To the first value of the key it stands on. */
  firstDup(): Promise<boolean> {
    return this.move(Move.FirstDup)
  }

  lastDup(): Promise<boolean> {
    return this.move(Move.LastDup)
  }

  /** To the next value of the key it stands on. */
  nextDup(): Promise<boolean> {
    return this.move(Move.NextDup)
  }

  prevDup(): Promise<boolean> {
    return this.move(Move.PrevDup)
  }

  /** To the first value of the next key. */
  nextNoDup(): Promise<boolean> {
    return this.move(Move.NextNoDup)
  }

  /** To the last value of the key before. */
  prevNoDup(): Promise<boolean> {
    return this.move(Move.PrevNoDup)
  }

  /** How many values the key has that it stands on. */
  async count(): Promise<number> {
    return this.send(Op.CursorCount, 1, f => f, unpack as Decode<number>)
  }

  /** Puts a pair and stands on it. */
  async put(key: K, value: V): Promise<void> {
    await this.edit(Edit.Put, key, value)
  }

  /** Sets the value of a key, stands on it, and returns the value before. */
  async replace(key: K, value: V): Promise<V | undefined> {
    return this.plain((await this.edit(Edit.Replace, key, value)) as Uint8Array | null)
  }

  /** Deletes a key, returns its value, and stands on what follows. */
  async pop(key: K): Promise<V | undefined> {
    return this.plain((await this.edit(Edit.Pop, key)) as Uint8Array | null)
  }

  /** Deletes the entry it stands on, and stands on the next. */
  async delete(): Promise<boolean> {
    return (await this.edit(Edit.Delete)) as boolean
  }

  /** Deletes all values of the key it stands on, and stands on the next key. */
  async deleteKey(): Promise<boolean> {
    return (await this.edit(Edit.DeleteKey)) as boolean
  }

  /** The entries from where it stands to the end; all, where it stands nowhere. The cursor goes along. */
  forward(): AsyncGenerator<[K, V], void, undefined> {
    return this.walk(Move.Next)
  }

  /** The entries from where it stands back to the beginning. */
  backward(): AsyncGenerator<[K, V], void, undefined> {
    return this.walk(Move.Prev)
  }

  [Symbol.asyncIterator](): AsyncGenerator<[K, V], void, undefined> {
    return this.forward()
  }

  /** Ends the cursor. The end of its transaction does so too. */
  async close(): Promise<void> {
    await this.settle(null)
    await this.send(Op.CursorClose, 1, f => f, unpack as Decode<null>)
  }

  private async *walk(move: Move): AsyncGenerator<[K, V], void, undefined> {
    let on = this.at !== null || (await this.move(move))
    while (on) {
      this.carried = false
      yield [this.key as K, this.value as V]
      if (this.at === null && !this.carried) return // it was moved off the range
      on = this.carried && move === Move.Next ? this.at !== null : await this.move(move)
    }
  }

  private async move(move: Move, key?: K, ...value: V[]): Promise<boolean> {
    return this.settle(await this.step(Op.CursorMove, move, unpack as Decode<Entry>, key, value))
  }

  private async edit(edit: Edit, key?: K, ...value: V[]): Promise<unknown> {
    const [result, entry] = await this.step(Op.CursorEdit, edit, unpack as Decode<[unknown, Entry]>, key, value)
    await this.settle(entry)
    this.carried = edit >= Edit.Pop
    return result
  }

  /** Takes in where the cursor stands. */
  private async settle(entry: Entry): Promise<boolean> {
    this.at = entry
    this.key = entry === null ? undefined : this.coding.key.decode(entry[0])
    const value = entry === null ? undefined : await this.plain(entry[1])
    if (this.at === entry) this.value = value // else another move was made meanwhile
    return entry !== null
  }

  private async plain(value: Uint8Array | null): Promise<V | undefined> {
    return value === null ? undefined : (await this.coding.unpack(this.scope, [value]))[0]
  }

  private async step<R>(op: Op, step: Move | Edit, decode: Decode<R>, key: K | undefined, value: V[]): Promise<R> {
    const bytes = key === undefined ? undefined : this.coding.key.encode(key)
    return this.coding.inTurn(this.scope, value, ([packed]) => this.sendNow(op, 4, f => f.uint(step).optional(bytes).optional(packed), decode))
  }

  private send<R>(op: Op, count: number, write: (frame: FrameWriter) => unknown, decode: Decode<R>): Promise<R> {
    return this.coding.inTurn(this.scope, [], () => this.sendNow(op, count, write, decode))
  }

  private sendNow<R>(op: Op, count: number, write: (frame: FrameWriter) => unknown, decode: Decode<R>): Promise<R> {
    return send(this.scope, 0, op, 3 + count, frame => write(frame.uint(this.number)), decode)
  }
}
