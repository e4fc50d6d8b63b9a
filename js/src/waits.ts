/**
 * How the calls of one environment wait for one another. On a page, and in a
 * Durable Object, any of them may await a promise that another one keeps. In a
 * worker that serves requests, each call belongs to one of them, and ends with it: who
 * awaited its promise would wait for ever.
 */
export interface Waits {
  /** Whether a promise may be awaited by calls that it was not made for. */
  readonly shared: boolean
  /** Waits until `over` holds. Where promises are shared, `told` is fulfilled then, or rejected instead. */
  until(over: () => boolean, told: Promise<unknown>): Promise<unknown>
  /** Has work go on to its end that nobody may be awaiting any more. */
  keep(work: Promise<unknown>): void
}

/** Who has not gone on for so long will not: the request that it belonged to is gone. */
export const abandonedMilliseconds = 30_000

export const together: Waits = {
  shared: true,
  until: (_over, told) => told,
  keep() {},
}
