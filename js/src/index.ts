export type { CopyOptions, ImportOptions } from './backup.js'
export type { Coder, CompressedCoder, NamedCoder, ValueCoder } from './coder/coder.js'
export type { Cursor } from './store/cursor.js'
/** @internal For coders.js, live.js, backup.js, rewrite.js and policies.js, bundles of their own, which share them. */
export { packDocument, packPlain, packValue, unpack, unpackPlain } from './document/document.js'
/** @internal */
export { nothing } from './bridge/engine.js'
/** @internal */
export { readBatch } from './bridge/io.js'
export type { CommitDurability } from './durability.js'
export { type Batch, type Blob, type Contexts, type Driver, type DriverFactory, type DriverInfo, type Durability, type Pin, type Sign } from './drivers/driver.js'
export { indexeddb } from './drivers/indexeddb.js'
export { memory } from './drivers/memory.js'
export type { BeginOptions, Database, Environment, Explicit, Info, Report, Stat, Tables, TransactionOptions, Within } from './environment/environment.js'
export { /** @internal */ aborted, /** @internal */ asStowageError, type ErrorCode, errorCodes, StowageError, /** @internal */ wordsOf } from './errors.js'
export type { CustomType } from './document/extension.js'
export type { Explanation, Find } from './query/find.js'
export { avg, type Column, type Columns, count, first, type Groups, last, max, min, type Row, sum } from './query/group.js'
export type { Change } from './query/change.js'
export type { Listener, LiveOptions, Observer } from './live.js'
export type { Identities, IdentityKind } from './table/identity.js'
/** @internal For salvage.js. */
export { LocalHost } from './bridge/local.js'
export type { Former, Migrations } from './environment/migrate.js'
export { compress, encrypt, type Functions, type HashOptions, type Modifier, modifier, type SlotInfo, type Unlocker, /** @internal For salvage.js. */ readModifiers, /** @internal */ writeChain } from './modifier/modifier.js'
/** @internal For edge.js. */
export { Instance } from './bridge/instance.js'
/** @internal */
export { openOn } from './environment/open.js'
/** @internal */
export { page } from './bridge/platform.js'
/** @internal */
export { whenAborted } from './bridge/signal.js'
/** @internal */
export { together } from './bridge/waits.js'
export { /** @internal */ builtIn, type WasmSource } from './bridge/module.js'
export { type Operation, op } from './query/op.js'
export { type OpenOptions, open } from './environment/open.js'
export type { Health, State } from './opening.js'
export { /** @internal */ isolated, type LongCall, /** @internal */ longCall, /** @internal */ liveOptions, /** @internal */ mustListen, /** @internal */ Options } from './options.js'
/** @internal For service-worker.js and crypto/stage.js. */
export { bring, part } from './parts.js'
/** @internal For coders.js and salvage.js. */
export { isWhole, mustName } from './name.js'
/** @internal */
export { lookUp } from './document/path.js'
/** @internal */
export { packQuery, query } from './query/query.js'
/** @internal For rewrite.js. */
export { nest } from './environment/transaction.js'
/** @internal For identity.js. */
export { writeKey } from './document/key.js'
export type { Bounds, Range, RangeOptions } from './store/range.js'
export { type IndexSpec, type Policy, type TableSpec, table } from './table/schema.js'
export type { PlanStep, Sql, Statement, StatementOptions } from './query/sql.js'
export type { PutOptions, Store, StoreFlags, StoreOptions, StoreStat } from './store/store.js'
export { type Filter, /** @internal */ isFilter, type ReadOptions, /** @internal */ returning, type Table, type Update } from './table/table.js'
export type { Doc, Key, Match, Path } from './document/types.js'
export { and, custom, field, noop, not, or, type Where, where } from './query/where.js'
