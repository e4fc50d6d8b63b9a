// The clock that timers and Go programs go by, which can be made faster, so that a test need not wait as long as a worker does.
let speed = 1
let since = 0
let then = 0

const { setTimeout } = globalThis
const real = performance.now.bind(performance)
const now = () => then + (real() - since) * speed

export function hurry(times) {
  [then, since, speed] = [now(), real(), times]
}

globalThis.setTimeout = (run, milliseconds = 0, ...more) => setTimeout(run, milliseconds / speed, ...more)
Object.defineProperty(performance, 'now', { value: now })
