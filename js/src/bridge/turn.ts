/** How long the engine keeps the thread before it lets the host have it, in milliseconds. */
const turnMilliseconds = 5

/**
 * Shares the thread with the page. Long operations ask, every millisecond or
 * so, whether the turn is over; then they go on in a task of the event loop of
 * their own, so that input and frames come in between.
 */
class Turn {
  private began = Number.NEGATIVE_INFINITY

  /** Whether it is time to let the host have the thread. */
  over(): boolean {
    return performance.now() - this.began >= turnMilliseconds
  }

  /** Fulfilled in a new turn. */
  async next(): Promise<void> {
    await pause()
    this.began = performance.now()
  }
}

/** The one thread of this context. */
export const turn = new Turn()

interface Scheduling {
  scheduler?: { yield?: () => Promise<void>; wait?: (milliseconds: number) => Promise<void> }
  setImmediate?: (f: () => void) => void
}

const host = globalThis as Scheduling

/**
 * Fulfilled in another task of the event loop, soon: not after the 4 ms that
 * browsers hold nested timers back. Only workerd has `scheduler.wait`, and its
 * timers are not held back; a MessageChannel does not leave the task there, and
 * once crashed the process in `MessagePort.close`.
 */
function pause(): Promise<void> {
  if (host.scheduler?.yield !== undefined) return host.scheduler.yield()
  if (host.scheduler?.wait !== undefined) return host.scheduler.wait(0)
  if (host.setImmediate !== undefined) return new Promise(resolve => host.setImmediate!(() => resolve()))
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
