import { type DriverFactory, durable, type DurableStorage } from 'stowage/edge'

let storage: DurableStorage

/** Says in whose storage the drivers keep what they have. */
export function hold(of: DurableStorage): DurableStorage {
  storage = of
  return of
}

/** What test/drivers.ts is in Node. */
export const drivers: [name: string, driver: () => DriverFactory][] = [['durable', () => durable(storage)]]

export const worker = false
