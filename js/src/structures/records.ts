/*
 * The records of structures in one transaction: headers, expiry, and what is left of what was deleted.
 *
 * The other side is store/structure/key.go.
 */
import { StowageError } from '../errors.js'
import type { Store } from '../store/store.js'
import { common, corrupt, expiryKey, type Header, headerKey, join, type Kind, type Name, named, nothing, packHeader, readHeader, Tag, view } from './layout.js'
import { level } from './ranks.js'

/** How many members are removed with their structure. Those of a larger one are left to a sweep. */
const buryAtOnce = 64

/** How many records one transaction of a sweep removes. */
const sweptAtOnce = 512

/** A range of stored keys. */
export interface Span {
  gte?: Uint8Array
  lt?: Uint8Array
  prefix?: Uint8Array
}

/**
 * The records that a transaction sees. Commands in it are not at the same time, and time stands still.
 */
export class Records {
  constructor(
    readonly store: Store,
    /** Milliseconds since 1970. */
    readonly now: number,
  ) {}

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.store.put(key, value)
  }

  async clear(key: Uint8Array): Promise<void> {
    await this.store.delete(key)
  }

  /** The keys of a range, so many at most. */
  async keys(span: Span, limit: number, reverse = false): Promise<Uint8Array[]> {
    return limit <= 0 ? [] : this.store.range({ ...span, limit, reverse, values: false })
  }

  /** The header of a key, which may have expired. */
  async load(key: Name): Promise<Header | undefined> {
    const bytes = await this.store.get(headerKey(key))
    return bytes && readHeader(bytes)
  }

  /** The header of a key that has not expired. */
  async live(key: string): Promise<Header | undefined> {
    const h = await this.load(key)
    return h === undefined || this.expired(h) ? undefined : h
  }

  /** The header of a key that holds a kind of structure, if anything. */
  async holding(key: string, kind: Kind): Promise<Header | undefined> {
    const h = await this.live(key)
    if (h !== undefined && h.kind !== kind) throw new StowageError('wrong_type', `the key holds a ${h.kind}, not a ${kind}`)
    return h
  }

  /** The header of a key whose structure is going to change; a new one counts once it is saved. */
  async change(key: string, kind: Kind): Promise<Header> {
    const h = await this.holding(key, kind)
    if (h !== undefined) return h
    await this.discard(key)
    const version = kind === 'string' ? 0 : await this.nextVersion(key)
    return { kind, expires: 0, value: nothing, version, count: 0, levels: 0, salt: nothing }
  }

  /** Removes what a key holds, expired or not. */
  async discard(key: string): Promise<void> {
    const h = await this.load(key)
    if (h !== undefined) await this.bury(key, h)
  }

  /** Writes a header; a structure without members is removed. */
  async save(key: string, h: Header): Promise<void> {
    if (h.kind === 'zset') await level(this, h, key)
    if (h.kind === 'string' || h.count > 0) await this.put(headerKey(key), packHeader(h))
    else await this.remove(key, h)
  }

  /** Sets when a key expires, 0 for never. The header is still to be saved. */
  async limit(key: Name, h: Header, at: number): Promise<void> {
    if (h.expires !== 0) await this.clear(expiryKey(h.expires, key))
    h.expires = Math.min(at, Number.MAX_SAFE_INTEGER)
    if (at !== 0) await this.put(expiryKey(h.expires, key), nothing)
  }

  /** Deletes a structure. */
  async bury(key: Name, h: Header): Promise<void> {
    await this.remove(key, { ...h })
    if (h.kind === 'string' || h.count === 0) return
    const remains = common(h, Tag.Remains, key)
    if (h.count > buryAtOnce) await this.put(remains, nothing)
    else await this.erase(remains.subarray(1), 4 * buryAtOnce)
  }

  /** Removes one slice of what has expired or is left; tells how many records that were. */
  async sweep(): Promise<number> {
    let n = 0
    for (const due of await this.keys({ gte: Uint8Array.of(Tag.Expiry), lt: expiryKey(this.now + 1, '') }, sweptAtOnce / 4)) {
      const key = due.subarray(9)
      const h = await this.load(key)
      if (h === undefined || h.expires !== Number(view(due).getBigUint64(1))) throw corrupt()
      await this.bury(key, h)
      n += 2 + Math.min(h.count, buryAtOnce)
    }
    while (n < sweptAtOnce) {
      const [remains] = await this.keys({ prefix: Uint8Array.of(Tag.Remains) }, 1)
      if (remains === undefined) break
      const erased = await this.erase(remains.subarray(1), sweptAtOnce - n)
      if (erased === 0) await this.clear(remains)
      n += erased || 1
    }
    return n
  }

  private expired(h: Header): boolean {
    return h.expires !== 0 && h.expires <= this.now
  }

  /** A version that no record of the key has, though there may be some that are to be removed. */
  private async nextVersion(key: string): Promise<number> {
    const [last] = await this.keys({ prefix: named(Tag.Remains, key) }, 1, true)
    return last === undefined ? 0 : view(last).getUint32(last.length - 4) + 1
  }

  /** Removes the header of a key, which is all that makes it exist. */
  private async remove(key: Name, h: Header): Promise<void> {
    await this.limit(key, h, 0)
    await this.clear(headerKey(key))
  }

  /** Removes records of a structure, so many at most, and tells how many. */
  private async erase(of: Uint8Array, most: number): Promise<number> {
    let n = 0
    for (const tag of [Tag.Member, Tag.Score, Tag.Count]) {
      const keys = await this.keys({ prefix: join([tag], of) }, most - n)
      if (keys.length > 0) await this.store.deleteMulti(keys)
      n += keys.length
    }
    return n
  }
}
