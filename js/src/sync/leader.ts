/*
 * One tab of all pulls; the others see the rows come as they see any commit. Who pulls holds a Web Lock, and says so from
 * time to time: a tab that was frozen keeps its lock and says nothing, and has it taken away. It cannot do harm when it wakes,
 * for a chunk is stored only where the position is the one that it follows.
 */

/** Who pulls says so this often, and is given up after so long; in milliseconds. */
const beat = 10_000
const silence = 45_000

/** Runs body whenever this context is the one to pull; its signal is aborted where it no longer is. Ends with the given signal. */
export async function lead(name: string, ended: AbortSignal, body: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const { locks } = (globalThis.navigator ?? {}) as { locks?: LockManager }
  if (locks === undefined) return body(ended)
  const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(name)
  try {
    while (!ended.aborted) {
      const steal = await mayNotWait(channel, locks, name, ended)
      if (ended.aborted) return
      const holding = new AbortController()
      const end = () => holding.abort()
      ended.addEventListener('abort', end)
      const said = setInterval(() => channel?.postMessage('pulls'), beat)
      channel?.postMessage('pulls')
      try {
        // What was stolen from this context rejects, and it waits like any other.
        await locks.request(name, steal ? { steal } : {}, () => body(holding.signal))
        if (!ended.aborted) return
      } catch (error) {
        if ((error as Error).name !== 'AbortError') throw error
      } finally {
        clearInterval(said)
        holding.abort()
        ended.removeEventListener('abort', end)
      }
    }
  } finally {
    channel?.close()
  }
}

/** Waits until the lock is free, or its holder has been silent for too long; tells whether it is to be taken away. */
async function mayNotWait(channel: BroadcastChannel | undefined, locks: LockManager, name: string, ended: AbortSignal): Promise<boolean> {
  const free = new AbortController()
  const end = () => free.abort()
  ended.addEventListener('abort', end)
  let silent = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      silent = true
      free.abort()
    }, silence)
  }
  if (channel !== undefined) {
    channel.onmessage = heard
    heard()
  }
  await locks.request(name, { signal: free.signal }, () => {}).catch(() => {}) // aborted
  clearTimeout(timer)
  if (channel !== undefined) channel.onmessage = null
  ended.removeEventListener('abort', end)
  return silent
}
