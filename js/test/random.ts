import type { TestContext } from 'node:test'

/** A source of randomness that gives the same for the same seed. */
export class Random {
  constructor(private state: number) {}

  /** A whole number from 0 to n − 1. */
  below(n: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(this.state ^ (this.state >>> 15), this.state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) % n
  }

  chance(odds: number): boolean {
    return this.below(1_000_000) < odds * 1_000_000
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!
  }

  /** From least to most made. */
  list<T>(most: number, make: (random: Random) => T, least = 0): T[] {
    return Array.from({ length: least + this.below(most - least + 1) }, () => make(this))
  }
}

/** Randomness whose seed is SEED of the environment, or told by the test. */
export function seeded(t: TestContext): Random {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32)
  t.diagnostic(`replay with SEED=${seed}`)
  return new Random(seed)
}
