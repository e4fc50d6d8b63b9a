/*
 * Events are what a service tells of, and metrics what it has counted.
 *
 * The other side is store/repository/event.go.
 */
import type { StowageError } from '../errors.js'
import type { State } from './breaker.js'

export type TierName = 'fast' | 'fallback'

export type ServiceEvent =
  /** A breaker has come to another state. */
  | { kind: 'state'; tier: TierName; state: State }
  /** A breaker has opened, and what has opened it; there is one for each time. */
  | { kind: 'warning'; tier: TierName; error: StowageError }
  /** An answer was in the cache. */
  | { kind: 'hit' }
  /** It was not, and there is a cache. */
  | { kind: 'miss' }

/** What a service has done since it was made. */
export interface Metrics {
  /** Answers that were in a cache. */
  hits: number
  /** And that were not. */
  misses: number
  /** Of those, answers that somebody else was already waiting for. */
  shared: number
  /** Entities that the fast tier had. */
  fastHits: number
  /** And such of which it had a marker. */
  markerHits: number
  /** Round trips to the fallback. */
  fallbackReads: number
  /** How often a breaker has opened. */
  warnings: number
  /** Calls that the fast tier did not answer, or was not asked. */
  fastFailures: number
}

export const noMetrics = (): Metrics => ({ hits: 0, misses: 0, shared: 0, fastHits: 0, markerHits: 0, fallbackReads: 0, warnings: 0, fastFailures: 0 })
