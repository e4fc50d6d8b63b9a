/*
 * A sorted set counts its members in levels, so that ranks cost the logarithm of its size. On each level stand nodes: one in
 * sixteen of the members that have a node on the level below, chosen by a hash with the set's own salt, so that nobody can
 * choose members that stand badly. The value of a node is how many members there are from its own to that of the next node
 * of its level. What stands before the first is counted by the level's head, a node without a member. Sets of few members
 * have no levels.
 *
 * The other side is store/structure/ranks.go.
 */
import { common, corrupt, type Header, join, named, nothing, readCount, saltBytes, scoreBytes, Tag, u32, u64 } from './layout.js'
import type { Records, Span } from './records.js'
import { sipHash } from './siphash.js'

/** One that a descent has come to. */
interface Node {
  /** Score and member; empty for a head. */
  place: Uint8Array
  /** Members before its own. */
  before: number
  count: number
}

const levelBits = 4
const raiseAt = 64 // members, for the first level; 2^levelBits times as many for each further one
const mostLevels = 7
/** How many nodes one step of a descent reads: mostly all that it walks over. */
const nodesAtOnce = 48

/** On how many levels a member has nodes, in a set that has as many. */
function levelOf({ salt }: Header, place: Uint8Array): number {
  const member = place.subarray(scoreBytes)
  const lowest = (salt.length > 0 ? sipHash(salt, member) : fnvHash(member)) | (1 << (levelBits * mostLevels))
  return Math.floor((31 - Math.clz32(lowest & -lowest)) / levelBits)
}

/** What spreads the members of a set whose levels have no salt. */
function fnvHash(member: Uint8Array): number {
  let h = 2166136261
  for (const byte of member) h = Math.imul(h ^ byte, 16777619)
  h = Math.imul(h ^ (h >>> 16), 0x45d9f3b)
  return h ^ (h >>> 16)
}

/** The range of a level's nodes from one place to another, which is not in it; without that to the end of the level. */
function nodes(h: Header, key: string, level: number, from: Uint8Array, to?: Uint8Array): Required<Pick<Span, 'gte' | 'lt'>> {
  const of = common(h, Tag.Count, key)
  return { gte: join(of, [level], from), lt: to === undefined ? join(of, [level + 1]) : join(of, [level], to) }
}

/** The range of the members from one place to another in the same way. */
export function members(h: Header, key: string, from: Uint8Array, to?: Uint8Array): Required<Pick<Span, 'gte' | 'lt'>> {
  const of = common(h, Tag.Score, key)
  return { gte: join(of, from), lt: to === undefined ? join(named(Tag.Score, key), u32(h.version + 1)) : join(of, to) }
}

/** Goes down the levels, on each from the node it has come to as long as the next one is wanted, and returns the last of each, the lowest level's first. */
async function descend(t: Records, h: Header, key: string, to: Uint8Array | undefined, wanted: (next: Node) => boolean): Promise<Node[]> {
  const stops: Node[] = []
  let at: Node = { place: nothing, before: 0, count: 0 }
  for (let level = h.levels; level > 0; level--) {
    const span = nodes(h, key, level, at.place, to)
    const cut = span.gte.length - at.place.length
    let first = true
    walk: for (let offset = 0; ; offset += nodesAtOnce) {
      const list = await t.store.range({ ...span, offset, limit: nodesAtOnce })
      for (const [stored, value] of list) {
        const next: Node = { place: stored.subarray(cut), before: first ? at.before : at.before + at.count, count: readCount(value) }
        if (!first && !wanted(next)) break walk
        at = next
        first = false
      }
      if (list.length < nodesAtOnce) break
    }
    if (first) throw corrupt()
    stops.unshift({ ...at })
  }
  return stops
}

/** How many members stand below a place, and the last node below it on every level. */
async function trace(t: Records, h: Header, key: string, place: Uint8Array): Promise<{ rank: number; stops: Node[] }> {
  const stops = await descend(t, h, key, place, () => true)
  const { before, place: from } = stops[0] ?? { before: 0, place: nothing }
  return { rank: before + (await t.store.count(members(h, key, from, place))), stops }
}

export async function rankOf(t: Records, h: Header, key: string, place: Uint8Array): Promise<number> {
  return (await trace(t, h, key, place)).rank
}

/** The place of the member that n others precede. */
export async function nth(t: Records, h: Header, key: string, n: number): Promise<Uint8Array> {
  const [at = { before: 0, place: nothing }] = await descend(t, h, key, undefined, next => next.before <= n)
  const [found] = await t.store.range({ ...members(h, key, at.place), offset: n - at.before, limit: 1, values: false })
  if (found === undefined) throw corrupt()
  return found.subarray(common(h, Tag.Score, key).length)
}

/** Counts a member in, or out where by is −1. How many levels there are is settled when the header is saved. */
export async function tally(t: Records, h: Header, key: string, place: Uint8Array, by: 1 | -1): Promise<void> {
  h.count += by
  if (h.levels > 0) {
    const { rank, stops } = await trace(t, h, key, place)
    const own = levelOf(h, place)
    const written: [Uint8Array, Uint8Array][] = []
    for (const [i, at] of stops.entries()) {
      at.count += by
      const stored = nodes(h, key, i + 1, place).gte
      if (i < own && by > 0) {
        written.push([stored, u64(at.before + at.count - rank)])
        at.count = rank - at.before
      } else if (i < own) {
        at.count += readCount(await t.store.pop(stored))
      }
      written.push([nodes(h, key, i + 1, at.place).gte, u64(at.count)])
    }
    await t.store.putMulti(written)
  }
}

/** Adds the levels that a set has grown to, and takes away those it has shrunk below. */
export async function level(t: Records, h: Header, key: string): Promise<void> {
  while (h.levels < mostLevels && h.count >= raiseAt * 2 ** (levelBits * h.levels)) await raise(t, h, key)
  while (h.levels > 0 && h.count < (raiseAt / 4) * 2 ** (levelBits * (h.levels - 1))) await lower(t, h, key)
}

/** Takes all levels away, until the header is saved. */
export async function uncount(t: Records, h: Header, key: string): Promise<void> {
  while (h.levels > 0) await lower(t, h, key)
}

/** Adds a level. */
async function raise(t: Records, h: Header, key: string): Promise<void> {
  if (h.levels === 0) h.salt = crypto.getRandomValues(new Uint8Array(saltBytes))
  const span = h.levels === 0 ? members(h, key, nothing) : nodes(h, key, h.levels, nothing)
  const made = [{ place: nothing as Uint8Array, count: 0 }]
  for await (const [stored, value] of t.store.range(span)) {
    const place = stored.subarray(span.gte.length)
    if (place.length > 0 && levelOf(h, place) > h.levels) made.push({ place, count: 0 })
    made[made.length - 1]!.count += h.levels === 0 ? 1 : readCount(value)
  }
  h.levels++
  await t.store.putMulti(made.map(({ place, count }) => [nodes(h, key, h.levels, place).gte, u64(count)]))
}

/** Takes the highest level away. */
async function lower(t: Records, h: Header, key: string): Promise<void> {
  await t.store.deleteMulti(await t.store.range({ ...nodes(h, key, h.levels, nothing), values: false }))
  if (--h.levels === 0) h.salt = nothing
}
