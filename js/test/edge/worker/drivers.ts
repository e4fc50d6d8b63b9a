import { type DriverFactory, durable, type DurableStorage, kv, type KVStore } from 'stowage/edge'

let storage: DurableStorage
let namespace: KVStore

/** Says in whose storage the drivers keep what they have, and in which namespace tiers keep records. */
export function hold(of: DurableStorage, records: KVStore): DurableStorage {
  storage = of
  namespace = records
  return of
}

/** What test/drivers.ts is in Node. */
export const drivers: [name: string, driver: () => DriverFactory][] = [['durable', () => durable(storage)]]

export const worker = false

export const recordsIn: [name: string, driver: () => DriverFactory] = ['kv', () => kv(namespace)]
