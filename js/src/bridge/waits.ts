/**
 * How the calls of one environment wait for one another. On a page, and in a
 * Durable Object, any of them may await a promise that another one keeps. In a
 * worker that serves requests, each call belongs to one of them, and ends with it: who
 * awaited its promise would wait for ever.
 */
export interface Waits {
  /** What is known of tasks whose request may end before them; absent where a promise may be awaited by calls that it was not made for. */
  lives?(drop: (task: number) => void): Lives
  /** Waits for a start that another call has made: by its promise, or until it is `over`, and begins `anew` then or when it takes too long. */
  started<R>(starting: Promise<R>, over: () => boolean, anew: () => Promise<R>): Promise<R>
  /** Has work go on to its end that nobody may be awaiting any more. */
  keep(work: Promise<unknown>): void
}

/** When each task gave its last sign of life. */
export interface Lives {
  note(task: number): void
  /** Throws `aborted` where the task was given up. */
  check(task: number): void
  /** Forgets the task, and tells whether it had not been given up. */
  ended(task: number): boolean
  /** Drops tasks whose requests are gone: what they hold others may wait for. */
  dropAbandoned(): void
  /** Waits, alive, until something holds. */
  until(task: number, over: () => boolean): Promise<void>
}

export const together: Waits = {
  started: starting => starting,
  keep() {},
}
