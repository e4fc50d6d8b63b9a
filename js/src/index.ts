export type { CopyOptions, ImportOptions } from './backup.js'
export type { Coder, CompressedCoder, NamedCoder, ValueCoder } from './coder.js'
export type { Cursor } from './cursor.js'
/** @internal For coders.js, live.js, backup.js, rewrite.js and policies.js, bundles of their own, which share them. */
export { packDocument, packPlain, packValue, unpack, unpackPlain } from './document.js'
/** @internal */
export { nothing } from './engine.js'
/** @internal */
export { readBatch } from './io.js'
export type { CommitDurability } from './durability.js'
export { type Batch, type Blob, type Contexts, type Driver, type DriverFactory, type DriverInfo, type Durability, type Pin, type Sign } from './drivers/driver.js'
export { indexeddb } from './drivers/indexeddb.js'
export { memory } from './drivers/memory.js'
export type { BeginOptions, Database, Environment, Explicit, Info, Report, Stat, Tables, TransactionOptions, Within } from './environment.js'
export { /** @internal */ aborted, /** @internal */ asStowageError, type ErrorCode, errorCodes, StowageError, /** @internal */ wordsOf } from './errors.js'
export type { CustomType } from './extension.js'
export type { Explanation, Find } from './find.js'
export { avg, type Column, type Columns, count, first, type Groups, last, max, min, type Row, sum } from './group.js'
export type { Change } from './change.js'
export type { Listener, LiveOptions, Observer } from './live.js'
export type { Identities, IdentityKind } from './identity.js'
/** @internal For salvage.js. */
export { LocalHost } from './local.js'
export type { Former, Migrations } from './migrate.js'
export { compress, encrypt, type Functions, type HashOptions, type Modifier, modifier, type SlotInfo, type Unlocker, /** @internal For salvage.js. */ readModifiers, /** @internal */ writeChain } from './modifier.js'
/** @internal For edge.js. */
export { Instance } from './instance.js'
/** @internal */
export { openOn } from './open.js'
/** @internal */
export { page } from './platform.js'
/** @internal */
export { together } from './waits.js'
export { /** @internal */ builtIn, type WasmSource } from './module.js'
export { type Operation, op } from './op.js'
export { type OpenOptions, open } from './open.js'
export type { Health, State } from './opening.js'
export { /** @internal */ isolated, type LongCall, /** @internal */ longCall, /** @internal */ liveOptions, /** @internal */ mustListen, /** @internal */ Options } from './options.js'
/** @internal For service-worker.js and crypto/stage.js. */
export { bring, part } from './parts.js'
/** @internal For coders.js and salvage.js. */
export { isWhole, mustName } from './name.js'
/** @internal */
export { lookUp } from './path.js'
/** @internal */
export { packQuery } from './query.js'
export type { Bounds, Range, RangeOptions } from './range.js'
export { type IndexSpec, type Policy, type TableSpec, table } from './schema.js'
export type { PlanStep, Sql, Statement } from './sql.js'
export type { PutOptions, Store, StoreFlags, StoreOptions, StoreStat } from './store.js'
export { type Filter, /** @internal */ isFilter, type ReadOptions, /** @internal */ returning, type Table, type Update } from './table.js'
export type { Doc, Key, Match, Path } from './types.js'
export { and, custom, field, noop, not, or, type Where, where } from './where.js'
