/*
 * What an application needs to live off an origin, a slow database somewhere that is only read, with no network too: the entry
 * 'stowage/sync' of the package. Go programs have the same in sync/.
 */
export type { RetryOptions } from './sync/backoff.js'
export { couch } from './sync/couch.js'
export type { Item, LoadOptions, Models, ModelView, Preload, Related, Relations, ViewOptions } from './sync/declared.js'
export { electric } from './sync/electric.js'
export type { About } from './sync/item.js'
export { type Change, type Chunk, compositeKey, MustRefetch, type RowKey } from './sync/message.js'
export { type Mode, modes } from './sync/mode.js'
export { type Model, type ModelSpec, model, type Statement } from './sync/model.js'
export type { LocalChange } from './sync/overlay.js'
export { type Phase, type Progress, pull, Puller, type PullOptions } from './sync/pull.js'
export { many, one, parent, query, type RelationOptions, through } from './sync/relation.js'
export { rest, type RestOptions } from './sync/rest.js'
export { type Answer, type Request, Requests, Unanswered } from './sync/request.js'
export type { Position, ShapeSpec } from './sync/shape.js'
export { type Asking, type Found, type Source, Stale } from './sync/source.js'
export { staticExport } from './sync/staticexport.js'
export type { TokenSource } from './sync/token.js'
export type { Column, Columns, Row } from './sync/value.js'
export { type OriginView, type View, view } from './sync/view.js'
