/*
 * Sorted sets: members that sort by score, and those of the same score by their bytes.
 *
 * The other side is store/structure/sortedset.go.
 */
import { Options } from '../options.js'
import { check, common, decode, encode, type Header, invalid, join, memberKey, nothing, packScore, placeOf, readScore, scoreBytes, Tag } from './layout.js'
import { members, nth, rankOf, tally, uncount } from './ranks.js'
import type { Records } from './records.js'

/** A member with its score. */
export interface Z {
  member: string
  score: number
}

/** Scores from one to another, which may be infinite. */
export interface Scores {
  min?: number
  max?: number
  /** Without min itself. */
  minOpen?: boolean
  maxOpen?: boolean
}

/** A page of the members within scores. */
export interface ScoreRange extends Scores {
  reverse?: boolean
  /** How many members to leave out, and how many to take of those that follow: all, where that is not given. */
  offset?: number
  count?: number
}

/** Which members `zAdd` leaves as they are. */
export interface ZAddOptions {
  /** Those that there are. */
  nx?: boolean
  /** Those that there are not. */
  xx?: boolean
  /** Those whose new score is not greater; new ones are added. */
  gt?: boolean
  /** Those whose new score is not less; new ones are added. */
  lt?: boolean
  /** Tell how many members are new or have another score now, rather than how many are new. */
  ch?: boolean
}

/** Places from one to another, which is not in it. */
interface Span {
  low: Uint8Array
  high: Uint8Array | undefined
}

function number(score: unknown): number {
  if (typeof score !== 'number' || Number.isNaN(score)) throw invalid('a score is a number, not NaN')
  return score
}

/** Whether a set has levels, and so many members change that it costs less to count them all once. */
const manyOf = (list: readonly unknown[], h: Header): boolean => h.levels > 0 && list.length > h.count / 8

export async function zAdd(t: Records, key: string, list: readonly Z[], options?: ZAddOptions): Promise<number> {
  const o = new Options('zAdd', options)
  const [nx, xx, gt, lt, ch] = ['nx', 'xx', 'gt', 'lt', 'ch'].map(name => o.boolean(name) ?? false)
  o.done()
  if (!Array.isArray(list) || list.length === 0 || nx && (xx || gt || lt) || gt && lt) throw invalid('nothing to add, or options that exclude each other')
  for (const z of list) check(key, [z?.member]), number(z?.score)
  const h = await t.change(key, 'zset')
  const anew = manyOf(list, h)
  if (anew) await uncount(t, h, key)
  let added = 0
  let changed = 0
  for (const { member, score } of list as readonly Z[]) {
    const stored = memberKey(h, key, member)
    const bytes = await t.store.get(stored)
    const old = bytes && readScore(bytes)
    if (old === undefined) {
      if (xx) continue
      added++
    } else {
      if (nx || score === old || gt && score < old || lt && score > old) continue
      changed++
      await unrate(t, h, key, placeOf(old, member))
    }
    const place = placeOf(score, member)
    await t.store.putMulti([[stored, packScore(score)], [join(common(h, Tag.Score, key), place), nothing]])
    await tally(t, h, key, place, 1)
  }
  if (added + changed > 0 || anew) await t.save(key, h)
  return ch ? added + changed : added
}

/** Takes a member from its place. */
export async function unrate(t: Records, h: Header, key: string, place: Uint8Array): Promise<void> {
  await t.clear(join(common(h, Tag.Score, key), place))
  await tally(t, h, key, place, -1)
}

export async function zIncrBy(t: Records, key: string, by: number, member: string): Promise<number> {
  const sum = ((await zScore(t, key, member)) ?? 0) + number(by)
  await zAdd(t, key, [{ member, score: sum }])
  return sum
}

export async function zCard(t: Records, key: string): Promise<number> {
  check(key)
  return (await t.holding(key, 'zset'))?.count ?? 0
}

export async function zScore(t: Records, key: string, member: string): Promise<number | undefined> {
  return (await rated(t, key, member))?.score
}

/** The header of a set, and the score of a member. */
async function rated(t: Records, key: string, member: string): Promise<{ h: Header; score: number } | undefined> {
  check(key, [member])
  const h = await t.holding(key, 'zset')
  const bytes = h && (await t.store.get(memberKey(h, key, member)))
  return bytes && { h, score: readScore(bytes) }
}

export async function zRank(t: Records, key: string, member: string, reverse: boolean): Promise<number | undefined> {
  const found = await rated(t, key, member)
  if (found === undefined) return undefined
  const { h, score } = found
  const rank = await rankOf(t, h, key, placeOf(score, member))
  return reverse ? h.count - 1 - rank : rank
}

export async function zRange(t: Records, key: string, start: number, stop: number, reverse: boolean): Promise<Z[]> {
  check(key)
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(stop)) throw invalid('ranks are whole numbers')
  const h = await t.holding(key, 'zset')
  if (h === undefined) return []
  const first = start < 0 ? Math.max(start + h.count, 0) : start
  const last = Math.min(stop < 0 ? stop + h.count : stop, h.count - 1)
  if (first > last) return []
  return walk(t, h, key, { low: nothing, high: undefined }, reverse ? h.count - 1 - first : first, last - first + 1, reverse)
}

export async function zRangeByScore(t: Records, key: string, range: ScoreRange | undefined): Promise<Z[]> {
  const { reverse, offset, count, ...scores } = readRange(range)
  const h = await holding(t, key)
  const span = spanOf(scores)
  if (h === undefined || span === undefined) return []
  if (offset === 0) return walk(t, h, key, span, undefined, count, reverse)
  const [first, last] = await ranks(t, h, key, span)
  if (offset >= last - first) return []
  return walk(t, h, key, span, reverse ? last - 1 - offset : first + offset, count, reverse)
}

export async function zCount(t: Records, key: string, given: Scores | undefined): Promise<number> {
  const scores = readScores(new Options('zCount', given))
  const h = await holding(t, key)
  const span = spanOf(scores)
  if (h === undefined || span === undefined) return 0
  const [first, last] = await ranks(t, h, key, span)
  return last - first
}

/** A page of the members within scores as it was asked for. */
export function readRange(range: ScoreRange | undefined): Required<Omit<ScoreRange, 'count'>> & { count: number | undefined } {
  const o = new Options('zRangeByScore', range)
  const page = { reverse: o.boolean('reverse') ?? false, offset: o.integer('offset') ?? 0, count: o.integer('count', { least: 1 }) }
  return { ...page, ...readScores(o) }
}

function holding(t: Records, key: string): Promise<Header | undefined> {
  check(key)
  return t.holding(key, 'zset')
}

function readScores(o: Options): Required<Scores> {
  const bound = (name: string, otherwise: number) => number(o.any(name) ?? otherwise)
  const scores = { min: bound('min', -Infinity), max: bound('max', Infinity), minOpen: o.boolean('minOpen') ?? false, maxOpen: o.boolean('maxOpen') ?? false }
  o.done()
  return scores
}

/** The places within scores, undefined where there can be none. */
function spanOf({ min, max, minOpen, maxOpen }: Required<Scores>): (Span & { high: Uint8Array }) | undefined {
  if (min > max || min === max && (minOpen || maxOpen)) return undefined
  return { low: packScore(min, minOpen), high: packScore(max, !maxOpen) }
}

/** The rank of the first member of a span, and of the first behind it. */
async function ranks(t: Records, h: Header, key: string, span: Span & { high: Uint8Array }): Promise<[number, number]> {
  return [await rankOf(t, h, key, span.low), await rankOf(t, h, key, span.high)]
}

/** Reads so many members of a span, from a rank or else from its edge on. */
async function walk(t: Records, h: Header, key: string, { low, high }: Span, from: number | undefined, limit: number | undefined, reverse: boolean): Promise<Z[]> {
  let { gte, lt } = members(h, key, low, high)
  const of = common(h, Tag.Score, key)
  if (from !== undefined) {
    const at = join(of, await nth(t, h, key, from))
    if (reverse) lt = join(at, [0])
    else gte = at
  }
  const keys = await t.store.range({ gte, lt, reverse, values: false, ...(limit !== undefined && { limit }) })
  return keys.map(stored => {
    const place = stored.subarray(of.length)
    return { member: decode(place.subarray(scoreBytes)), score: readScore(place) }
  })
}

/** Deletes members of a hash or a sorted set, and tells how many there were. */
export async function deleteMembers(t: Records, key: string, kind: 'hash' | 'zset', list: readonly string[]): Promise<number> {
  check(key, list)
  const h = await t.holding(key, kind)
  if (h === undefined) return 0
  const anew = manyOf(list, h)
  if (anew) await uncount(t, h, key)
  let n = 0
  for (const member of list) {
    const value = await t.store.pop(memberKey(h, key, member))
    if (value === undefined) continue
    if (kind === 'zset') await unrate(t, h, key, join(value, encode(member)))
    else h.count--
    n++
  }
  if (n > 0 || anew) await t.save(key, h)
  return n
}

/** Deletes what was found. From the end: what is counted next lies below what was removed. */
export function removeAll(t: Records, key: string, found: readonly Z[]): Promise<number> {
  return deleteMembers(t, key, 'zset', found.map(({ member }) => member).reverse())
}
