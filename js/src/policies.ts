/*
 * What stands between a table and those who use it: the entry 'stowage/policies' of the package.
 *
 * Go programs have the same in store/policies.
 */
export { type BoundedOptions, type BoundKind, bounded } from './policies/bounded.js'
export { type ExpiringOptions, expiring } from './policies/expiring.js'
export { Hooks, type StorageEvents, StorageHooks, type TableEvents, TableHooks } from './policies/hooks.js'
export type { Steps } from './policies/overlay.js'
export { type TimeFormat, type TimestampOptions, timestamps } from './policies/timestamps.js'
export { validated } from './policies/validated.js'
export type { StandardSchema } from './policies/standard.js'
