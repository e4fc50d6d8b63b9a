// Letting the browser have its thread between two pieces of work.

/** Fulfilled in a new turn of the event loop, after input and painting had theirs. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
