/** What is to be called when a signal is aborted. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back when a signal is aborted; returns what ends that. However many wait for a signal, it has one
 * listener: Node takes more than ten for a leak, and says so where the user sees it.
 */
export function whenAborted(signal: AbortSignal | undefined, then: () => void): () => void {
  if (signal === undefined) return () => {}
  const calls = waiting.get(signal) ?? listen(signal)
  const call = () => then()
  calls.add(call)
  return () => calls.delete(call)
}

function listen(signal: AbortSignal): Set<() => void> {
  const calls = new Set<() => void>()
  waiting.set(signal, calls)
  signal.addEventListener('abort', () => calls.forEach(call => call()), { once: true })
  return calls
}
