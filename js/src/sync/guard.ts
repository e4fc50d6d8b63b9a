import { Unanswered } from './request.js'

/** As many requests for the same in this time, in milliseconds, and it is a loop. */
const most = 5
const within = 500

/** Refuses to ask the same over and over without a wait, however that has come about. */
export class Guard {
  private asked = ''
  private times: number[] = []

  /** Throws where what is asked is asked too often. */
  admit(asking: string): void {
    const now = Date.now()
    const times = asking === this.asked ? this.times.filter(time => now - time < within) : []
    if (times.length >= most - 1) throw new Unanswered('the same was asked over and over', 0, true)
    this.times = [...times, now]
    this.asked = asking
  }

  /** Forgets: somebody asks by hand, or there was a wait. */
  rest(): void {
    this.asked = ''
  }
}
