/*
 * Data structures by the names that users of Redis know, over a store of an environment: the entry 'stowage/structures' of the package.
 *
 * Go programs have the same in store/structure; each reads what the other wrote.
 */
export type { Found, GeoQuery, Place, Unit } from './structures/geo.js'
export type { Kind } from './structures/layout.js'
export type { Scores, ScoreRange, ZAddOptions, Z } from './structures/sortedset.js'
export { type Ground, Structures, type StructuresOptions, structures } from './structures/structures.js'
