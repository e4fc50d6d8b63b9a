/*
 * What an environment finds in an isolate of Workers, and how little: 128 MiB for
 * everything that runs in it, and no randomness before the first request.
 */
import type { DriverFactory } from '../drivers/driver.js'
import { StowageError } from '../errors.js'
import { Instance } from '../bridge/instance.js'
import { type Platform, page } from '../bridge/platform.js'
import { meter } from './metered.js'
import { requests } from './requests.js'
import wasm from './edge.wasm'

const MiB = 1 << 20

/** Go must not find its clock at zero, where that of an isolate stands before the first request. Only the clock's origin is read by now(). */
class Clock extends Date {
  static override now(): number {
    return Date.now() + 1
  }
}

const [cacheBytes, workingBytes] = [8 * MiB, 24 * MiB]

/** An engine that is started with the isolate, where that takes nothing of a request's time, for the first environment. */
let spare: Instance | undefined = startSpare()

/** A worker's requests, with one engine for all of them. */
export const worker: Platform = { driver: noDriver, module: () => wasm, cacheBytes, workingBytes, boot, waits: requests, own: meter }

/** A Durable Object: whatever it does may wait for whatever else it does. */
export const object: Platform = { ...worker, waits: page.waits, own: session => session }

async function boot(module: WebAssembly.Module, memoryBytes: number): Promise<Instance> {
  if (spare === undefined || module !== wasm || memoryBytes !== cacheBytes + workingBytes) return Instance.bootNow(module, memoryBytes, { Date: Clock })
  const instance = spare
  spare = undefined
  return instance
}

/**
 * Go asks for random bytes when it starts, and gets none: its maps hash alike in all isolates. What
 * must be unique is drawn from a seed that the engine is given when it opens.
 */
function startSpare(): Instance {
  let started = false
  const getRandomValues = (bytes: Uint8Array<ArrayBuffer>) => (started ? crypto.getRandomValues(bytes) : bytes)
  const instance = Instance.bootNow(wasm, cacheBytes + workingBytes, { Date: Clock, crypto: { getRandomValues } })
  started = true
  return instance
}

function noDriver(): DriverFactory {
  throw new StowageError('invalid_option', 'open: an environment at the edge needs a driver')
}
