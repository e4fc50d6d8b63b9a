/*
 * A circuit breaker: an origin that fails again and again is left alone for a while, and whoever can do without it
 * does so at once. Go programs use github.com/sony/gobreaker.
 */

export class Breaker {
  private row = 0
  private readonly last: boolean[] = []
  private opened: number | undefined
  private trying = false

  /** So many failures in a row open it, and half of the last `window`, unless that is 0. It stays open for `rest` milliseconds; then one may try. */
  constructor(
    private readonly rest: number,
    private readonly now: () => number = Date.now,
    private readonly opens: { failures: number; window: number } = { failures: 5, window: 20 },
  ) {}

  get state(): 'closed' | 'open' | 'half-open' {
    return this.opened === undefined ? 'closed' : this.trying ? 'half-open' : 'open'
  }

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
    const { window } = this.opens
    if (this.last.length > window) this.last.shift()
    this.row = success ? 0 : this.row + 1
    if (success) {
      if (this.opened !== undefined) this.last.length = 0
      this.opened = undefined
      return
    }
    const half = window > 0 && this.last.length === window && this.last.filter(ok => !ok).length * 2 >= window
    if (this.opened !== undefined || this.row >= this.opens.failures || half) this.opened = this.now()
  }

  /** Says that nothing came of it, for who asked has lost interest. */
  forgot(): void {
    this.trying = false
  }

  /** Forgets what was: the network is back, and may need a moment more. */
  nudge(): void {
    this.trying = false
    this.row = this.last.length = 0
    this.opened = undefined
  }
}
