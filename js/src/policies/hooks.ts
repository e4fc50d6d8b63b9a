import type { Driver, DriverFactory } from '../drivers/driver.js'
import { StowageError } from '../errors.js'
import { part } from '../parts.js'
import type { Table } from '../table/table.js'
import { HookedDriver } from './hookeddriver.js'
import { overlay, type Steps } from './overlay.js'

type Actions = Record<string, (...args: never[]) => unknown>

/** Functions that are called when something happens, in the order in which they were hooked. An event that there is not is `invalid_argument`. */
export class Hooks<E extends { [N in keyof E]: (...args: never[]) => unknown } = Actions> {
  private readonly actions: Map<keyof E, E[keyof E][]>

  constructor(events: readonly (keyof E)[]) {
    this.actions = new Map(events.map(event => [event, []]))
  }

  /** The events that there are. */
  get events(): (keyof E)[] {
    return [...this.actions.keys()]
  }

  /** Has an action called from now on, and returns it. */
  hook<N extends keyof E>(event: N, action: E[N]): E[N] {
    if (typeof action !== 'function') throw new StowageError('invalid_argument', 'hook: an action must be a function')
    this.of(event).push(action)
    return action
  }

  /** Has an action called no more, and tells whether it was. */
  unhook<N extends keyof E>(event: N, action: E[N]): boolean {
    const at = this.of(event).indexOf(action)
    if (at >= 0) this.of(event).splice(at, 1)
    return at >= 0
  }

  /** The actions of an event, in their order. */
  list<N extends keyof E>(event: N): E[N][] {
    return this.of(event).slice() as E[N][]
  }

  /** Forgets the actions of an event, or all. */
  clear(event?: keyof E): void {
    for (const each of event === undefined ? this.events : [event]) this.of(each).length = 0
  }

  private of(event: keyof E): E[keyof E][] {
    const actions = this.actions.get(event)
    if (actions === undefined) throw new StowageError('invalid_argument', `there is no event "${String(event)}"`)
    return actions
  }
}

type Told<T> = (document: T, table: Table<T>) => void | Promise<void>

/** What happens to a table. An action changes the document in place; what it returns does not matter. */
export interface TableEvents<T> {
  /** Before a document is stored that was not there. */
  create: Told<T>
  /** Before a changed document is stored; once for each change. */
  update: Told<T>
  /** When a document has been deleted. */
  delete: Told<T>
  /** Before a document is handed out: a copy, so that what is stored stays. */
  read: Told<T>
  /** When the table has been emptied; of the documents in it nothing is told. */
  truncate: (table: Table<T>) => void | Promise<void>
}

/**
 * Hooks of a table, one of its policies. They run in the transaction of what they are about: when one throws, it is aborted.
 *
 *     const on = new TableHooks<City>()
 *     on.hook('create', city => { city.slug ??= slugOf(city.name) })
 *     open('atlas', { tables: { cities: table<City>({ key: 'id', policies: [on] }) } })
 */
// biome-ignore lint: hooks without a type are for documents of any
export class TableHooks<T = any> extends Hooks<TableEvents<T>> implements Steps<T> {
  constructor() {
    super(['create', 'update', 'delete', 'read', 'truncate'])
  }

  readonly over = overlay

  /** @internal */
  created = (document: T, table: Table<T>) => this.tell('create', document, table)
  /** @internal */
  updated = (document: T, _before: T, table: Table<T>) => this.tell('update', document, table)
  /** @internal */
  deleted = (document: T, table: Table<T>) => this.tell('delete', document, table)
  /** @internal */
  read = (document: T, table: Table<T>) => this.tell('read', document, table)
  /** @internal */
  reads = () => this.list('read').length > 0
  /** @internal */
  truncated = async (table: Table<T>) => {
    for (const action of this.list('truncate')) await action(table)
  }

  private async tell(event: 'create' | 'update' | 'delete' | 'read', document: T, table: Table<T>): Promise<void> {
    for (const action of this.list(event)) await action(document, table)
  }
}

type Turned<V> = (value: V, name: string) => V | null | void | Promise<V | null | void>

// biome-ignore lint: of all tables
type AnyDocument = any

/** What happens to all that is stored. What an action returns takes the place of what it was given; nothing, or null, leaves it. */
export interface StorageEvents {
  /** Before a document is packed. It is told the name of the table. */
  'write.pre': Turned<AnyDocument>
  /** Before a blob is handed to the driver, compressed and sealed. It is told the name of the blob. */
  'write.post': Turned<Uint8Array>
  /** When a blob was read, in reverse order. */
  'read.pre': Turned<Uint8Array>
  /** When a document was unpacked, in reverse order. */
  'read.post': Turned<AnyDocument>
  /** When the environment has been closed. It is told its name. */
  close: (name: string) => void | Promise<void>
}

/**
 * Hooks of an environment, the option `hooks` of `open`. Filters and indexes see documents as they are stored. Those of blobs
 * must be hooked before the environment is opened, and be the same whenever it is; with `worker: true` they are `unsupported`.
 *
 *     const on = new StorageHooks()
 *     on.hook('write.post', encrypt)
 *     on.hook('read.pre', decrypt)
 *     open('atlas', { hooks: on, tables })
 */
export class StorageHooks extends Hooks<StorageEvents> implements Steps<AnyDocument> {
  constructor() {
    super(['write.pre', 'write.post', 'read.pre', 'read.post', 'close'])
  }

  readonly over = overlay

  /** @internal */
  write = (document: AnyDocument, table: Table<AnyDocument>) => through(document, this.list('write.pre'), table.name)
  /** @internal */
  load = (document: AnyDocument, table: Table<AnyDocument>) => through(document, this.list('read.post').reverse(), table.name)
  /** @internal */
  reads = () => this.list('read.post').length > 0

  /** The driver that hands blobs through the hooks: in this context, so none for a worker. */
  driver(inner: DriverFactory): DriverFactory {
    if (this.list('write.post').length + this.list('read.pre').length === 0) return inner
    const write = (bytes: Uint8Array, name: string) => pass(bytes, 'write.post', this.list('write.post'), name)
    const read = (bytes: Uint8Array, name: string) => pass(bytes, 'read.pre', this.list('read.pre').reverse(), name)
    const open = async (name: string): Promise<Driver> => new HookedDriver(await inner.open(name), write, read)
    return { ...inner, open, worker: undefined }
  }

  async closed(name: string): Promise<void> {
    for (const action of this.list('close')) await action(name)
  }
}

/** Hands a value through actions, each of which may put another in its place. */
async function through<V>(value: V, actions: readonly Turned<V>[], name: string): Promise<V> {
  for (const action of actions) value = ((await action(value, name)) as V | null | undefined) ?? value
  return value
}

/** The same for a blob, of which nobody but its hooks knows what it has become: they have to answer, and with bytes. */
async function pass(blob: Uint8Array, event: 'write.post' | 'read.pre', actions: readonly Turned<Uint8Array>[], name: string): Promise<Uint8Array> {
  const { turned } = await part('sealing')
  for (const action of actions) blob = await turned(() => action(blob, name), event === 'write.post' ? 'backend_failed' : 'undecodable', `a hook of ${event}`, blob)
  return blob
}
