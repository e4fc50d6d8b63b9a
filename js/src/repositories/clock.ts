/** What tells the time, and when some of it has passed. Tests give one of their own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls `run` after so many milliseconds, unless what it returns is called before. */
  after(milliseconds: number, run: () => void): () => void
}

export const system: Clock = {
  now: () => Date.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** The longest that a timer waits. */
export const longest = 2 ** 31 - 1
