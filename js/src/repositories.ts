/*
 * Entities of one kind in two tiers, a fast one, which may forget, and a fallback, which has all of them; and services, which stand before them with
 * caches and breakers: the entry 'stowage/repositories' of the package.
 *
 * Go programs have the same in store/repository; each reads what the other wrote.
 */
export { boolean, type BooleanRepository } from './repositories/boolean.js'
export type { BreakerOptions, State } from './repositories/breaker.js'
export type { CacheOptions } from './repositories/cache.js'
export type { Clock } from './repositories/clock.js'
export type { Metrics, ServiceEvent, TierName } from './repositories/event.js'
export { geo, type Geo, type GeoOptions, type GeoPlace, type GeoRepository } from './repositories/geo.js'
export { type Attributes, type AttributeType, hash, type HashConfig, type HashOptions, type HashRepository } from './repositories/hash.js'
export type { Key, Part } from './repositories/key.js'
export { records, type RecordTier } from './repositories/records.js'
export type { Many, Query, QueryOptions } from './repositories/query.js'
export type { AddOptions, Asked, Config, KeyedConfig, Repository } from './repositories/repository.js'
export { type Ring, ring, type RingOptions } from './repositories/ring.js'
export { type Lookup, rows } from './repositories/rows.js'
export { type Service, service, type ServiceOptions } from './repositories/service.js'
export { sortedSet, type SortedSet, type SortedSetOptions, type SortedSetRepository } from './repositories/sortedset.js'
export { over } from './repositories/structures.js'
export type { Condition, Range, Read, Reply, Tier, TierKind, Value, Write } from './repositories/tier.js'
