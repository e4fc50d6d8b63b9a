/*
 * A worker that serves requests: each promise and timer belongs to the request
 * it was made in, and is never fulfilled once that has ended.
 */
import { waitUntil } from 'cloudflare:workers'

import { StowageError } from '../errors.js'
import type { Lives, Waits } from '../bridge/waits.js'

/** The longest pause between two looks, in milliseconds. */
const longestPause = 16

/** Who has not gone on for so many milliseconds will not: the request that it belonged to is gone. */
const abandonedAfter = 30_000

/** Calls look for themselves whether they can go on, and go on when their client has gone. */
export const requests: Waits = {
  lives: drop => new RequestLives(drop),
  async started(_starting, over, anew) {
    const deadline = Date.now() + abandonedAfter
    await until(() => over() || Date.now() > deadline)
    return anew()
  },
  keep(work) {
    waitUntil(work.catch(() => {})) // whoever called has been told
  },
}

async function until(over: () => boolean): Promise<void> {
  for (let pause = 0; !over(); pause = Math.min(pause + 1, longestPause)) await new Promise(resolve => setTimeout(resolve, pause))
}

class RequestLives implements Lives {
  private readonly lives = new Map<number, number>()

  constructor(private readonly drop: (task: number) => void) {}

  note(task: number): void {
    this.lives.set(task, Date.now())
  }

  check(task: number): void {
    if (!this.lives.has(task)) throw new StowageError('aborted', 'the call took too long, and was given up')
  }

  ended(task: number): boolean {
    return this.lives.delete(task)
  }

  dropAbandoned(): void {
    const before = Date.now() - abandonedAfter
    for (const [task, lived] of this.lives) {
      if (lived >= before) continue
      this.lives.delete(task)
      this.drop(task)
    }
  }

  until(task: number, over: () => boolean): Promise<void> {
    return until(() => {
      this.note(task)
      this.dropAbandoned()
      return over()
    })
  }
}
