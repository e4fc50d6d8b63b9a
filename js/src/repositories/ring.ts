/*
 * A ring is several tiers, of which each keeps its share of the keys. It is a tier itself, but a write to keys of several tiers is all or none in each of
 * them only.
 *
 * The other side is store/repository/ring.go.
 */
import { asStowageError, StowageError } from '../errors.js'
import { Options } from '../options.js'
import { md5 } from './md5.js'
import { InPart } from './refusal.js'
import { mustAsk, mustHave, type Read, type Reply, type Tier, type Write } from './tier.js'

/** Which tier of a ring a key is in. */
export interface RingOptions {
  /**
   * 'circle', which it is unless given, gives each tier 160 places on a circle, and a key to the tier whose place follows its own: one tier more takes its
   * share from all others, and nothing else moves. 'modulo' takes the MD5 of a key modulo the number of tiers: with one tier more nearly every key moves.
   */
  by?: 'circle' | 'modulo'
  /** What 'modulo' divides by, unless the number of tiers. One that is larger leaves room for tiers to come: keys go to the remainder modulo the tiers. */
  nodes?: number
}

/** So many places on the circle a tier has. */
const placesOfTier = 160

/** A tier's place on the circle. */
interface Point {
  at: number
  tier: number
}

/** Makes one tier of several, whose order counts. They are closed with it. */
export function ring(tiers: readonly Tier[], options?: RingOptions): Ring {
  const o = new Options('ring', options)
  const by = o.oneOf('by', ['circle', 'modulo']) ?? 'circle'
  if (!Array.isArray(tiers) || tiers.length === 0) throw o.wrong('tiers', 'given')
  for (const tier of tiers) mustHave(tier, 'read', 'write')
  const nodes = o.integer('nodes', { least: tiers.length, most: 2 ** 32 })
  o.done()
  if (by === 'circle' && nodes !== undefined) throw o.wrong('nodes', 'given by modulo only')
  return new Ring(tiers, by === 'circle' ? circle(tiers.length) : [], nodes ?? tiers.length)
}

/** The places of so many tiers, ascending. */
function circle(tiers: number): Point[] {
  const points: Point[] = []
  for (let tier = 0; tier < tiers; tier++) {
    for (let n = 0; n < placesOfTier; n++) points.push({ at: md5(`${tier}-${n}`).getUint32(0), tier })
  }
  return points.sort((a, b) => a.at - b.at || a.tier - b.tier)
}

export class Ring implements Tier {
  /** @internal */
  constructor(
    private readonly tiers: readonly Tier[],
    private readonly circle: readonly Point[],
    private readonly nodes: number,
  ) {}

  /** Which of the tiers a key is in. */
  index(key: string): number {
    const sum = md5(key)
    if (this.circle.length > 0) return this.circle[this.after(sum.getUint32(0)) % this.circle.length]!.tier
    let rest = 0
    for (let i = 0; i < 16; i++) rest = (rest * 256 + sum.getUint8(i)) % this.nodes
    return rest % this.tiers.length
  }

  /** Each tier is read once; there is one snapshot of each. */
  async read(reads: readonly Read[], signal?: AbortSignal): Promise<Reply[]> {
    const replies: Reply[] = []
    await this.each(reads, async (tier, share, places) => {
      const found = await tier.read(share, signal)
      places.forEach((place, n) => (replies[place] = found[n]!))
    })
    return replies
  }

  /** Where a write to several tiers fails in one the others may have made theirs. */
  write(writes: readonly Write[], signal?: AbortSignal): Promise<void> {
    return this.each(writes, (tier, share) => tier.write(share, signal))
  }

  refresh(signal?: AbortSignal): Promise<void> {
    return settled(this.tiers.map(async tier => tier.refresh?.(signal)))
  }

  close(): Promise<void> {
    return settled(this.tiers.map(async tier => tier.close()))
  }

  /** The place of the first point at or after one. */
  private after(at: number): number {
    let [low, high] = [0, this.circle.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.circle[middle]!.at < at) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Has every tier do its share at the same time. */
  private async each<T extends Read | Write>(all: readonly T[], run: (tier: Tier, share: T[], places: number[]) => Promise<void>): Promise<void> {
    mustAsk(all)
    const shares = new Map<number, number[]>()
    all.forEach(({ key }, place) => {
      const tier = this.index(key)
      shares.set(tier, [...(shares.get(tier) ?? []), place])
    })
    return settled([...shares].map(([tier, places]) => run(this.tiers[tier]!, places.map(place => all[place]!), places))).catch((error: StowageError) => {
      throw shares.size > 1 ? new InPart(error.code, error.message, { cause: error.cause ?? error }) : error
    })
  }
}

/** Waits for all, and fails as one of them has, whatever the others do. */
async function settled(all: readonly Promise<void>[]): Promise<void> {
  const failures = (await Promise.allSettled(all)).flatMap(result => (result.status === 'rejected' ? [result.reason as unknown] : []))
  if (failures.length === 0) return
  const first = asStowageError(failures[0], 'backend_failed', 'ring: a tier has failed')
  throw failures.length === 1 ? first : new StowageError(first.code, `ring: ${failures.length} tiers have failed`, { cause: new AggregateError(failures) })
}
