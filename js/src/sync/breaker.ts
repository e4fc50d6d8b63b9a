/*
 * A circuit breaker: an origin that fails again and again is left alone for a while, and whoever can do without it
 * does so at once. Go programs use github.com/sony/gobreaker.
 */

/** So many failures in a row open it. */
const inARow = 5

/** And half of the last so many. */
const window = 20

export class Breaker {
  private row = 0
  private readonly last: boolean[] = []
  private opened: number | undefined
  private trying = false

  /** It stays open for so many milliseconds; then one may try. */
  constructor(
    private readonly rest: number,
    private readonly now: () => number = Date.now,
  ) {}

  /** Whether something may be asked now: yes, unless it is open, where once in a while one may try. */
  admits(): boolean {
    if (this.opened === undefined) return true
    if (this.trying || this.now() - this.opened < this.rest) return false
    this.trying = true
    return true
  }

  /** Says what came of it. */
  told(success: boolean): void {
    this.trying = false
    this.last.push(success)
    if (this.last.length > window) this.last.shift()
    this.row = success ? 0 : this.row + 1
    if (success) {
      if (this.opened !== undefined) this.last.length = 0
      this.opened = undefined
      return
    }
    const failures = this.last.filter(ok => !ok).length
    if (this.opened !== undefined || this.row >= inARow || (this.last.length === window && failures * 2 >= window)) this.opened = this.now()
  }

  /** Says that nothing came of it, for who asked has lost interest. */
  forgot(): void {
    this.trying = false
  }

  /** Lets the next one try at once: the network is back. */
  nudge(): void {
    this.trying = false
    if (this.opened !== undefined) this.opened = Number.NEGATIVE_INFINITY
  }
}
