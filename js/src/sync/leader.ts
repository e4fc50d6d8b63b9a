/*
 * One tab of all pulls; the others see the rows come as they see any commit. Who pulls holds a Web Lock, and says so from
 * time to time: a tab that was frozen keeps its lock and says nothing, and has it taken away. It cannot do harm when it wakes,
 * for a chunk is stored only where the position is the one that it follows. One that rests, for it is hidden or was told to ask
 * for nothing, keeps the lock only until another one wants it.
 */
import { pause } from './backoff.js'

/** Who pulls says so this often, and is given up after so long; in milliseconds. */
const beat = 10_000
const silence = 45_000

/** Who gave the lock to another one leaves it alone for as long, in milliseconds. */
const courtesy = 1000

/** What tabs say: two of who has the lock, and one of who has not. */
type Said = 'pulls' | 'rests' | 'wants'

/** Runs body whenever this context is the one to pull; its signal is aborted where it no longer is. Ends with the given signal. */
export async function lead(name: string, ended: AbortSignal, mood: Mood, body: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const { locks } = (globalThis.navigator ?? {}) as { locks?: LockManager }
  if (locks === undefined) return body(ended)
  const place = new Place(typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(name), mood)
  try {
    while (!ended.aborted) {
      const steal = await mayNotWait(place, locks, name, ended)
      if (ended.aborted) return
      const holding = new AbortController()
      const end = () => holding.abort()
      ended.addEventListener('abort', end)
      let over = false
      try {
        // What was stolen from this context rejects, and it waits like any other.
        await locks.request(name, steal ? { steal } : { ifAvailable: true }, async lock => {
          if (lock === null) return // another one that waited was faster
          place.holds(holding)
          await body(holding.signal)
          over = !holding.signal.aborted
        })
      } catch (error) {
        if ((error as Error).name !== 'AbortError') throw error
      } finally {
        holding.abort()
        place.waits()
        ended.removeEventListener('abort', end)
      }
      if (over) return
      if (place.gave) await pause(courtesy, ended)
    }
  } finally {
    place.close()
  }
}

/** Whether a context would rest if it had the lock. */
export class Mood {
  /** Told when that may be otherwise now. */
  changed = () => {}

  constructor(readonly rests: () => boolean) {}
}

/** The place of a context among those that share a name: it holds the lock, or waits for it. */
class Place {
  /** The lock was given to one that wanted it. */
  gave = false
  /** Called when the one with the lock says something. */
  heard = () => {}
  private holding: AbortController | undefined
  private beats: ReturnType<typeof setInterval> | undefined

  constructor(
    private readonly channel: BroadcastChannel | undefined,
    private readonly mood: Mood,
  ) {
    mood.changed = () => this.say()
    if (channel !== undefined) channel.onmessage = ({ data }: MessageEvent<Said>) => this.hear(data)
  }

  holds(holding: AbortController): void {
    this.gave = false
    this.holding = holding
    this.beats = setInterval(() => this.say(), beat)
    this.say()
  }

  waits(): void {
    this.holding = undefined
    clearInterval(this.beats)
  }

  /** Says where this context stands. One that rests wants nothing. */
  say(): void {
    const { rests } = this.mood
    const said: Said | undefined = this.holding !== undefined ? (rests() ? 'rests' : 'pulls') : rests() ? undefined : 'wants'
    if (said !== undefined) this.channel?.postMessage(said)
  }

  close(): void {
    this.mood.changed = () => {}
    this.channel?.close()
  }

  private hear(said: Said): void {
    if (said === 'wants') {
      if (this.holding === undefined || !this.mood.rests()) return
      this.gave = true
      this.holding.abort()
    } else if (this.holding === undefined) {
      this.heard()
      if (said === 'rests') this.say()
    }
  }
}

/** Waits until the lock is free, or its holder has been silent for too long; tells whether it is to be taken away. */
async function mayNotWait(place: Place, locks: LockManager, name: string, ended: AbortSignal): Promise<boolean> {
  const free = new AbortController()
  const end = () => free.abort()
  ended.addEventListener('abort', end)
  let silent = false
  let timer: ReturnType<typeof setTimeout> | undefined
  place.heard = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      silent = true
      free.abort()
    }, silence)
  }
  place.heard()
  place.say()
  await locks.request(name, { signal: free.signal }, () => {}).catch(() => {}) // aborted
  clearTimeout(timer)
  place.heard = () => {}
  ended.removeEventListener('abort', end)
  return silent
}
