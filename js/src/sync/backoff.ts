import { whenAborted } from '../bridge/signal.js'
import { Options } from '../options.js'

/** How long to wait before something is tried again. */
export interface RetryOptions {
  /** The first wait is at most this long, in milliseconds; each that follows twice as long. Default 1,000. */
  base?: number
  /** None is longer. Default 32,000. */
  most?: number
}

/** What an origin asks for is honoured up to this, in milliseconds. */
const longestFloor = 3_600_000

/**
 * Waits of a random length below a limit that doubles with each failure ("full jitter"), so that many who failed together do not
 * come back together. What the origin asks for is a floor.
 */
export class Backoff {
  private failures = 0

  constructor(
    private readonly base: number,
    private readonly most: number,
    private readonly random: () => number = Math.random,
  ) {}

  static read(given: unknown): { base: number; most: number } {
    const o = new Options('retry', given)
    const base = o.integer('base', { least: 1 }) ?? 1000
    const most = o.integer('most', { least: 1 }) ?? 32_000
    o.done()
    return { base, most: Math.max(base, most) }
  }

  /** What has failed since the last success. */
  get count(): number {
    return this.failures
  }

  succeeded(): void {
    this.failures = 0
  }

  /** How long to wait now, in milliseconds, after one more failure. */
  failed(floor = 0): number {
    const limit = Math.min(this.most, this.base * 2 ** Math.min(this.failures++, 30))
    return Math.min(floor, longestFloor) + this.random() * limit
  }
}

/** Fulfilled after a while, or as soon as the signal is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      deaf()
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    const deaf = whenAborted(signal, done)
  })
}
