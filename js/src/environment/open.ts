import type { DriverFactory } from '../drivers/driver.js'
import { type CommitDurability, durabilities } from '../durability.js'
import { type Database, Environment, type OpenHooks, type ReservedName, type Tables } from './environment.js'
import { StowageError } from '../errors.js'
import { addTypes, type CustomType } from '../document/extension.js'
import { LocalHost } from '../bridge/local.js'
import { type Migrations, readMigrations } from './migrate.js'
import { type Modifier, readModifiers } from '../modifier/modifier.js'
import type { WasmSource } from '../bridge/module.js'
import { isWhole, mustName } from '../name.js'
import { type LongCall, Options } from '../options.js'
import type { Opening, State } from '../opening.js'
import { part } from '../parts.js'
import { page, type Platform } from '../bridge/platform.js'
import { RemoteHost } from '../bridge/remote.js'
import { Session, type Settings } from './session.js'

/** How an environment is opened. */
export interface OpenOptions<S extends Tables> extends LongCall {
  /** The tables to use. Those that are new are made, indexes that are new are built. */
  tables?: S & { [N in keyof S]: N extends ReservedName ? never : S[N] }
  /**
   * The version of the data that the program was written for, from 1. Data of an older one is brought to it by
   * `migrate` first; that of a later one is `newer_schema`, and so is every call from when another tab has raised it.
   */
  version?: number
  /** What makes documents of the version before those of each version: see Migrations. */
  migrate?: Migrations<NoInfer<S>>
  /** Removes indexes that are not described any more, and builds anew those that are described otherwise; without, only where the version was raised. */
  dropIndexes?: boolean
  /** Types of your own that documents hold. They are known to every environment of this context from then on. */
  types?: readonly CustomType[]
  /** Called with what is stored and read. See StorageHooks of 'stowage/policies'. */
  hooks?: OpenHooks
  /** Where the data lives: `indexeddb()` unless given. */
  driver?: DriverFactory
  /** Runs engine and driver in a dedicated worker, so that the page's thread stays free. */
  worker?: boolean
  /** What everything passes on its way to where it is stored: see compress, encrypt and modifier. Compressed by 's2' unless it is said otherwise. */
  modifiers?: readonly Modifier[]
  /** Locks an encrypted environment when nothing was called for so many milliseconds. See `db.lock`. */
  lockAfter?: number
  /** A ceiling for decoded pages held in memory. Default 40 MiB. */
  cacheBytes?: number
  /** Documents larger than this are `too_large`. Default 16 MiB. */
  maxDocumentBytes?: number
  /** When a commit counts as done, unless a transaction says otherwise. Default 'relaxed'. */
  durability?: CommitDurability
  /** Buffered commits are written when so many bytes have come together. Default 1 MiB. */
  bufferBytes?: number
  /** Buffered commits are written after so long. Default 100. */
  bufferMilliseconds?: number
  /** Is told why a buffered commit came to nothing. Without it, flush and close tell. */
  onLost?: (error: StowageError) => void
  /**
   * What becomes of a database that is damaged. 'reject': open rejects with `corrupt`. 'set-aside': it stays as
   * it is, and another one, which is empty, is used from then on, now and whenever the name is opened.
   */
  onDamage?: 'reject' | 'set-aside'
  /** Told what was found, and how many commits are missing, before the tables are made. See Health. */
  onState?: (state: State, lost: number) => void
  /** The engine's module: its URL, bytes, or compiled. By default it lies beside this file. */
  wasm?: WasmSource
  /** Has the engine's module with SQL downloaded, for `db.sql`: without it that is `unsupported`. At the edge it is always there. */
  sql?: boolean
}

const MiB = 1 << 20

/** The sessions of this context, by where their data lives, and the ends of those that are being closed. */
const sessions = new Map<string, Session>()
const closing = new Map<string, Promise<unknown>>()

/**
 * Opens an environment, making it where there is none. Opened again in the same
 * context it is shared; other pages and workers may have it open too, where its driver lets them.
 *
 *     const db = await open('atlas', { tables: { cities: table<City>({ key: 'id' }) } })
 */
export function open<const S extends Tables = Record<never, never>>(name: string, options?: OpenOptions<S>): Promise<Database<S>> {
  return openOn(page, name, options)
}

/** @internal */
export async function openOn<S extends Tables>(platform: Platform, name: string, options?: OpenOptions<S>): Promise<Database<S>> {
  mustName('an environment', name, 1)
  const given = readOptions(platform, options as OpenOptions<Tables> | undefined)
  addTypes(given.types)
  const place = `${given.driver.id}/${name}`
  while (closing.has(place)) await closing.get(place) // until then the driver is taken
  const session = sessions.get(place) ?? makeSession(platform, name, given)
  sessions.set(place, session)
  session.users++
  const own = platform.own?.(session) ?? session
  const environment = new Environment<Tables>(name, own, () => leave(place, session), given.hooks)
  try {
    if (session.users > 1) await session.admit(given.settings.modifiers)
    await own.ready()
    ;(await session.opening)?.tell(given.onState)
    const { version, migrations } = given.data
    const raised = version !== undefined && (await environment.migrate(version, migrations, given.tables, given.call.signal))
    await environment.openTables(given.tables, given.call, given.dropIndexes ?? raised)
  } catch (error) {
    await environment.close().catch(() => {})
    throw error
  }
  return environment as unknown as Database<S>
}

/** The last one to leave closes the session. A closed one is never found again. */
async function leave(place: string, session: Session): Promise<void> {
  if (--session.users > 0) return
  sessions.delete(place)
  const closed = session.close()
  closing.set(place, closed.catch(() => {}).then(() => closing.delete(place)))
  await closed
}

interface Given {
  tables: Tables
  data: ReturnType<typeof readMigrations>
  dropIndexes: boolean | undefined
  types: readonly CustomType[]
  hooks: OpenHooks | undefined
  driver: DriverFactory
  worker: boolean
  wasm: WasmSource
  settings: Settings
  setAside: boolean
  onState: OpenOptions<Tables>['onState']
  call: LongCall
}

function readOptions(platform: Platform, options: OpenOptions<Tables> | undefined): Given {
  const o = new Options('open', options)
  const driver = o.driver() ?? platform.driver()
  const hooks = o.any('hooks') as OpenHooks | undefined
  if (hooks !== undefined && typeof hooks?.driver !== 'function') throw o.wrong('hooks', 'StorageHooks')
  const sql = o.boolean('sql')
  const given: Given = {
    tables: readTables(o),
    data: readMigrations(o),
    dropIndexes: o.boolean('dropIndexes'),
    types: readTypes(o),
    hooks,
    driver: hooks === undefined ? driver : hooks.driver(driver),
    worker: o.boolean('worker') ?? false,
    wasm: (o.any('wasm') as WasmSource | undefined) ?? platform.module(sql),
    settings: {
      cacheBytes: o.integer('cacheBytes', { least: MiB, most: 1024 * MiB }) ?? platform.cacheBytes,
      maxDocumentBytes: o.integer('maxDocumentBytes', { least: 1024, most: 64 * MiB }) ?? 16 * MiB,
      durability: o.oneOf('durability', durabilities) ?? 'relaxed',
      bufferBytes: o.integer('bufferBytes', { least: 1, most: 64 * MiB }) ?? MiB,
      bufferMilliseconds: o.integer('bufferMilliseconds', { least: 1, most: 60_000 }) ?? 100,
      onLost: o.function<NonNullable<OpenOptions<Tables>['onLost']>>('onLost'),
      modifiers: readModifiers(o),
      lockAfter: o.integer('lockAfter', { least: 1, most: 2 ** 31 - 1 }),
    },
    setAside: o.oneOf('onDamage', ['reject', 'set-aside']) === 'set-aside',
    onState: o.function('onState'),
    call: o.longCall(),
  }
  o.done()
  return given
}

function readTables(o: Options): Tables {
  const tables = (o.any('tables') ?? {}) as Tables
  if (typeof tables !== 'object') throw o.wrong('tables', 'an object')
  for (const spec of Object.values(tables)) {
    if (spec?.schema === undefined) throw o.wrong('tables', 'made of what table() returns')
  }
  return tables
}

function readTypes(o: Options): readonly CustomType[] {
  const types = (o.any('types') ?? []) as readonly CustomType[]
  const whole = ({ name, class: of, encode, decode }: Partial<CustomType>) =>
    typeof name === 'string' && isWhole(name) && typeof of?.prototype === 'object' && typeof encode === 'function' && ['function', 'undefined'].includes(typeof decode)
  if (!Array.isArray(types) || !types.every(type => whole(type ?? {}))) throw o.wrong('types', 'a list of { name, class, encode, decode }')
  return types
}

function makeSession(platform: Platform, name: string, given: Given): Session {
  const { driver, wasm, settings } = given
  const Kind = given.worker ? RemoteHost : LocalHost
  const host = new Kind(name, driver, wasm, settings.cacheBytes, settings.modifiers, platform)
  return new Session(host, settings, name, begin(name, given))
}

/** Nothing is remembered, nor set aside, where opening.js cannot be loaded. Health says so. */
async function begin(name: string, { driver, setAside }: Given): Promise<Opening | undefined> {
  try {
    const { Opening } = await part('opening')
    return await Opening.begin(name, { setAside, sentinel: driver.sentinel === true && 'isSecureContext' in globalThis })
  } catch {
    return undefined
  }
}
