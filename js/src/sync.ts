/*
 * What an application needs to live off an origin, a slow database somewhere that is only read, with no network too: the entry
 * 'stowage/sync' of the package. Go programs have the same in sync/.
 */
export type { RetryOptions } from './sync/backoff.js'
export { electric } from './sync/electric.js'
export { type Change, type Chunk, compositeKey, MustRefetch, type RowKey } from './sync/message.js'
export { type Phase, type Progress, pull, Puller, type PullOptions } from './sync/pull.js'
export { type Answer, type Request, Requests, Unanswered } from './sync/request.js'
export type { Position, ShapeSpec } from './sync/shape.js'
export { type Asking, type Source, Stale } from './sync/source.js'
export type { TokenSource } from './sync/token.js'
export type { Column, Columns, Row } from './sync/value.js'
