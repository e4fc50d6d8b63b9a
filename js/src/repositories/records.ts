/*
 * A tier of which each key is one record in a store, whatever it holds: for an environment in which a single call is the most that is all or none, as
 * one in Workers KV. The record says what it holds as JSON.
 */
import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import type { Store } from '../store/store.js'
import { centre, nearest, readSearch } from '../structures/geo.js'
import { compare, decode, encode } from '../structures/layout.js'
import { readRange, type ScoreRange, type Z } from '../structures/sortedset.js'
import { scored } from './geo.js'
import { isScored } from './sortedset.js'
import { invalid, met, mustAnswer, mustAsk, mustHave, type Read, type Reply, type Tier, unknown, type Value, type Write } from './tier.js'

/** What a key holds. Places are a set, by the scores that say where they are. */
type Kept = { until: number } & ({ kind: 'hash'; fields: Map<string, string> } | { kind: 'set'; scores: Map<string, number> } | { kind: 'boolean'; is: boolean })

/** What stands in a store: when it expires by the clock, 0 for never, and what it is. */
type Recorded = [until: number, kind: Kept['kind'], value: boolean | [name: string, value: string][]]

/** A tier of records, and how it is kept small. */
export interface RecordTier extends Tier {
  /** Removes what has expired, and tells how many records that were. */
  sweep(): Promise<number>
}

/**
 * The tier of a store, to which nothing else should write. A structure is read and written as a whole, 1 MB of them in one call at most, and of two that
 * are written in several places the later stays: what others have merged meanwhile is not in it.
 *
 *     const fast = records((await open('cache', { kv: env.CACHE })).store('fast'))
 */
export function records(store: Store, options?: { clock?: () => number }): RecordTier {
  const o = new Options('records', options)
  const clock = o.function<() => number>('clock') ?? Date.now
  o.done()
  mustHave(store, 'getMulti')
  return new Records(store, clock)
}

class Records implements RecordTier {
  private closed = false
  /** The last write under way. The next waits for it, and reads what it has left. */
  private writing: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly store: Store,
    private readonly clock: () => number,
  ) {}

  async read(reads: readonly Read[], signal?: AbortSignal): Promise<Reply[]> {
    mustAnswer(this.closed, signal)
    mustAsk(reads)
    const kept = await this.load(reads)
    const now = this.clock()
    return reads.map(read => {
      const held = kept.get(read.key)
      return held === undefined ? { found: false, expiry: 0, value: {} } : { found: true, expiry: held.until && Math.max(held.until - now, 1), value: answer(held, read) }
    })
  }

  async write(writes: readonly Write[], signal?: AbortSignal): Promise<void> {
    mustAnswer(this.closed, signal)
    mustAsk(writes)
    const done = this.writing.then(() => this.carryOut(writes, signal))
    this.writing = done.catch(() => {})
    await done
  }

  async close(): Promise<void> {
    this.closed = true
  }

  async sweep(): Promise<number> {
    mustAnswer(this.closed, undefined)
    const gone: Uint8Array[] = []
    for await (const [key, bytes] of this.store.range()) if (this.recorded(bytes) === undefined) gone.push(key)
    await this.store.deleteMulti(gone)
    return gone.length
  }

  /** Makes writes to what there is, and stores what has changed in one call. */
  private async carryOut(writes: readonly Write[], signal: AbortSignal | undefined): Promise<void> {
    mustAnswer(this.closed, signal)
    const before = await this.load(writes)
    const after = new Map(before)
    const until = (expiry: number) => (expiry > 0 ? this.clock() + expiry : 0)
    for (const write of writes) {
      if (!met(write.only, after.has(write.key))) continue
      const kept = keep(write, write.merge ? after.get(write.key) : undefined, until(write.expiry ?? 0))
      if (kept === undefined) after.delete(write.key)
      else after.set(write.key, kept)
    }
    mustAnswer(this.closed, signal) // what was given up is not done behind the caller's back
    const changed = [...after].filter(([key, kept]) => before.get(key) !== kept).map(([key, kept]) => [encode(key), encode(JSON.stringify(record(kept)))] as const)
    const gone = [...before.keys()].filter(key => !after.has(key)).map(encode)
    if (changed.length > 0) await this.store.putMulti([...changed, ...gone.map(key => [key, nothing] as const)]) // for what is empty is as good as gone
    await this.store.deleteMulti(gone)
  }

  /** What keys hold, of those that hold something. */
  private async load(asked: readonly { key: string }[]): Promise<Map<string, Kept>> {
    const kept = new Map<string, Kept>()
    for (const [key, bytes] of await this.store.getMulti([...new Set(asked.map(({ key }) => key))].map(encode))) {
      const held = bytes && this.recorded(bytes)
      if (held !== undefined) kept.set(decode(key), held)
    }
    return kept
  }

  /** What a record says, unless it is empty or has expired. */
  private recorded(bytes: Uint8Array): Kept | undefined {
    if (bytes.length === 0) return undefined
    try {
      const [until, kind, value] = JSON.parse(decode(bytes)) as Recorded
      if (until !== 0 && until <= this.clock()) return undefined
      if (kind === 'boolean') return { until, kind, is: value as boolean }
      const pairs = value as [string, string][]
      return kind === 'hash' ? { until, kind, fields: new Map(pairs) } : { until, kind, scores: new Map(pairs.map(([member, score]) => [member, Number(score)])) }
    } catch (cause) {
      throw new StowageError('undecodable', 'repository: no record', { cause })
    }
  }
}

const nothing = new Uint8Array()

function record(kept: Kept): Recorded {
  if (kept.kind === 'boolean') return [kept.until, kept.kind, kept.is]
  return [kept.until, kept.kind, kept.kind === 'hash' ? [...kept.fields] : [...kept.scores].map(([member, score]) => [member, String(score)])]
}

/** What a key holds after a write that joins what it held before, if that is given. */
function keep({ kind, value = {} }: Write, before: Kept | undefined, until: number): Kept | undefined {
  switch (kind) {
    case 'none':
      return undefined
    case 'hash': {
      const fields = value.fields ?? new Map<string, string>()
      for (const text of [...fields].flat()) encode(text)
      if (fields.size === 0 || fields.has('')) throw invalid('a hash has fields, and they have names')
      return { until, kind, fields: new Map([...(before === undefined ? [] : of(before, 'hash').fields), ...fields]) }
    }
    case 'sortedSet':
      return { until, kind: 'set', scores: joined(before, value.members ?? []) }
    case 'boolean':
      if (before !== undefined) of(before, 'boolean')
      return { until, kind, is: value.is === true }
    case 'geo':
      return { until, kind: 'set', scores: joined(before, scored(value.places)) }
    default:
      throw unknown(kind)
  }
}

function joined(before: Kept | undefined, members: readonly Z[]): Map<string, number> {
  if (members.length === 0 || !members.every(isScored)) throw invalid('no members, or one without a name or a score')
  return new Map([...(before === undefined ? [] : of(before, 'set').scores), ...members.map(({ member, score }) => [member, score] as const)])
}

/** What a read asks of what a key holds. */
function answer(kept: Kept, { kind, fields, range, search }: Read): Value {
  switch (kind) {
    case 'exists':
      return {}
    case 'hash': {
      const all = of(kept, 'hash').fields
      return { fields: fields === undefined ? all : new Map(fields.filter(name => all.has(name)).map(name => [name, all.get(name)!])) }
    }
    case 'sortedSet': {
      const { scores } = of(kept, 'set')
      return { members: ranged(listed(scores), range), size: scores.size }
    }
    case 'boolean':
      return { is: of(kept, 'boolean').is }
    case 'geo': {
      const { scores } = of(kept, 'set')
      const asked = readSearch(search ?? {})
      centre(asked, asked.member === undefined ? undefined : scores.get(asked.member))
      return { places: nearest(asked, listed(scores).filter(({ score }) => score >= 0 && score < 2 ** 52)) }
    }
    default:
      throw unknown(kind)
  }
}

function of<K extends Kept['kind']>(kept: Kept, kind: K): Extract<Kept, { kind: K }> {
  if (kept.kind !== kind) throw new StowageError('wrong_type', `the key holds a ${kept.kind}`)
  return kept as Extract<Kept, { kind: K }>
}

/** Members by score, and those of the same score by their bytes. */
function listed(scores: ReadonlyMap<string, number>): Z[] {
  return [...scores].map(([member, score]) => ({ member, score })).sort((a, b) => a.score - b.score || compare(a.member, b.member))
}

/** Those of the members that are within a range, of its page. */
function ranged(members: Z[], range: ScoreRange | undefined): Z[] {
  const { min, max, minOpen, maxOpen, reverse, offset, count } = readRange(range)
  const within = members.filter(({ score }) => (minOpen ? score > min : score >= min) && (maxOpen ? score < max : score <= max))
  if (reverse) within.reverse()
  return within.slice(offset, count === undefined ? undefined : offset + count)
}
