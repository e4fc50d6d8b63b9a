import { type DriverFactory, indexeddb } from 'stowage'

/** What test/drivers.ts is in Node. */
export const drivers: [name: string, driver: () => DriverFactory][] = [['indexeddb', () => indexeddb()]]

export const worker = location.search.includes('worker')

/** Where a tier keeps records that stands before another. */
export const recordsIn: [name: string, driver: () => DriverFactory] = ['indexeddb', () => indexeddb()]
