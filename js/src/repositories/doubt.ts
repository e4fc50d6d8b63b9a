/*
 * Doubts are the keys of which the fast tier may have something old, because it failed when it was to be changed. They are not read there before they were
 * removed there, or have expired.
 *
 * The other side is store/repository/doubt.go.
 */
import type { Clock } from './clock.js'

/** One doubt; another of the same key is another object. */
interface Doubt {
  readonly since: number
}

export class Doubts {
  private readonly byKey = new Map<string, Doubt>()
  /** How many were left when it was last looked which have expired. */
  private swept = 0

  /** After `expire` milliseconds nothing of them is left in the fast tier; 0 is never. */
  constructor(
    private readonly expire: number,
    private readonly clock: Clock,
  ) {}

  raise(keys: readonly string[]): void {
    const since = this.clock.now()
    for (const key of keys) this.byKey.set(key, { since })
    if (this.expire === 0 || this.byKey.size <= 2 * this.swept + 1024) return
    for (const [key, doubt] of this.byKey) if (since - doubt.since > this.expire) this.byKey.delete(key)
    this.swept = this.byKey.size
  }

  /** The doubts of those of the keys that are in doubt. */
  among(keys: readonly string[]): Map<string, Doubt> {
    const found = new Map<string, Doubt>()
    if (this.byKey.size === 0) return found
    for (const key of keys) {
      const doubt = this.byKey.get(key)
      if (doubt !== undefined) found.set(key, doubt)
    }
    return found
  }

  /** Ends doubts, but not those that were raised anew. */
  settle(settled: ReadonlyMap<string, Doubt>): void {
    for (const [key, doubt] of settled) if (this.byKey.get(key) === doubt) this.byKey.delete(key)
  }
}
