import { unpack } from '../document/document.js'
import type { DriverFactory } from '../drivers/driver.js'
import { type CommitDurability, durabilities } from '../durability.js'
import { type Decode, type Engine, type Exchange, nothing } from '../bridge/engine.js'
import { StowageError } from '../errors.js'
import { type Encryption, encryptionOf, type KeyChange, Kind as StageKind, type Modifier, ownChain, replace, type Unlocker, writeChain } from '../modifier/modifier.js'
import type { LongCall } from '../options.js'
import type { Identity, Opening } from '../opening.js'
import type { Kind, Schema } from '../table/schema.js'
import type { Access, Scope } from '../bridge/scope.js'
import { transact } from './transaction.js'
import type { Waits } from '../bridge/waits.js'
import { Op, protocolVersion } from '../bridge/wire.js'

/** How the engine is to be set up. */
export interface Settings {
  cacheBytes: number
  maxDocumentBytes: number
  durability: CommitDurability
  bufferBytes: number
  bufferMilliseconds: number
  onLost: ((error: StowageError) => void) | undefined
  /** What blobs pass, in order. */
  modifiers: Modifier[]
  /** After so many milliseconds without a call it is locked. */
  lockAfter: number | undefined
}

/** Starts engines for one environment, one after the other. */
export interface Host {
  /** Starts an engine; `published` is called whenever it has committed something. */
  start(published: () => void): Promise<Engine>
  /** A host of the same module for another environment, on the same driver unless there is another. */
  sibling(name: string, driver?: DriverFactory, modifiers?: readonly Modifier[]): Host
  /** How the calls to its engines wait for one another. */
  readonly waits: Waits
  /** Gives back what outlives an engine: driver, lock, worker. */
  release(): Promise<void>
}

/**
 * The connection of an environment to its engine. When the engine dies, what
 * was pending is rejected with `engine_lost`, and the next call starts another,
 * which finds everything committed in the backend.
 */
export class Session implements Scope {
  readonly transaction = 0
  /** How many environments share this session. */
  users = 0

  private current: Engine | undefined
  private starting: Promise<Engine> | undefined
  private closing: Promise<void> | undefined
  /** Fulfilled when no engine is being left any more. */
  private leaving: Promise<unknown> = Promise.resolve()
  /** The open tables by number. */
  private readonly tables = new Map<number, { name: string; schema: Schema; kind: Kind }>()
  private nextTable = 0
  /** The version of the data that the program of this context knows, where it has said. */
  version: number | undefined
  private locked = false
  private locking: Promise<unknown> = Promise.resolve()
  private unlocking: Promise<unknown> = this.locking
  private rechaining: Promise<void> = Promise.resolve()
  private used = 0
  private idle: ReturnType<typeof setTimeout> | undefined

  /** @param opening holds what is found against what is remembered; undefined where opening.js could not be loaded. */
  constructor(
    private host: Host,
    readonly settings: Settings,
    private place = '',
    readonly opening: Promise<Opening | undefined> = Promise.resolve(undefined),
  ) {
    for (const event of hiding) globalThis.addEventListener?.(event, this.hidden)
  }

  get engine(): Engine | undefined {
    const { current } = this
    if (this.idle !== undefined) this.used = Date.now()
    return current !== undefined && current.lost === undefined ? current : undefined
  }

  get closed(): boolean {
    return this.closing !== undefined
  }

  /** The engine. Where it has to be started first, that is part of this exchange. */
  ready(exchange?: Exchange): Promise<Engine> {
    if (this.closing !== undefined) return Promise.reject(closed())
    if (this.locked) return Promise.reject(locked())
    const { engine } = this
    if (engine !== undefined) return Promise.resolve(engine)
    const { starting } = this
    if (starting !== undefined) {
      return this.host.waits.started(starting, () => this.starting !== starting, () => {
        if (this.starting === starting) this.starting = undefined
        return this.ready(exchange)
      })
    }
    const started = this.start(exchange).finally(() => {
      if (this.starting === started) this.starting = undefined
    })
    this.starting = this.keep(started)
    return started
  }

  /** Has work of a call go on also where who called is gone. */
  keep<R>(work: Promise<R>): Promise<R> {
    this.host.waits.keep(work)
    return work
  }

  /**
   * Opens a table, creating it and building its indexes where they are new, and
   * returns its number. The same table with the same schema has the same number; with
   * another class, or other identities, it is `schema_mismatch`. With `exact`, other indexes are removed.
   */
  async table(name: string, { schema, kind }: { schema: Schema; kind: Kind }, exchange?: Exchange, exact = false): Promise<number> {
    for (const [number, open] of this.tables) {
      if (open.name !== name) continue
      if (open.kind.class !== kind.class || open.kind.ids !== kind.ids) {
        throw new StowageError('schema_mismatch', `the table "${name}" is open with another class or other identities`)
      }
      if (!exact && (open.schema === schema || JSON.stringify(open.schema) === JSON.stringify(schema))) return number
    }
    const number = this.newTable()
    await openTable(await this.ready(), number, name, schema, { exchange, exact })
    if (exact) for (const open of this.tables.values()) if (open.name === name) open.schema = { ...open.schema, indexes: schema.indexes }
    this.tables.set(number, { name, schema, kind })
    return number
  }

  /** A number for a table. */
  newTable(): number {
    return this.nextTable++
  }

  /** Does not make a table again that was dropped. */
  forget(name: string): void {
    for (const [number, open] of this.tables) if (open.name === name) this.tables.delete(number)
  }

  together<R>(access: Access, body: (scope: Scope) => Promise<R>): Promise<R> {
    return transact(() => this.ready(), access, body)
  }

  /** Changes the keys, and tells what came of it. `not_encrypted` where there are none. */
  async amend(change: KeyChange): Promise<unknown> {
    this.encryption
    return (await this.ready()).amend(change)
  }

  /** Has everything pass another chain, one after the other. Until that is done, both are needed to open it. */
  rechain(chain: readonly Modifier[], call: LongCall): Promise<void> {
    return (this.rechaining = this.rechaining.catch(() => {}).then(() => this.change(chain, call)))
  }

  private async change(chain: readonly Modifier[], { signal, onProgress }: LongCall): Promise<void> {
    const { modifiers } = this.settings
    const engine = await this.ready()
    await engine.extend(chain.filter(given => !modifiers.includes(given)))
    const former = modifiers.filter(m => !chain.some(given => given.kind === m.kind && given.id === m.id))
    const kept = chain.map(given => modifiers.find(m => m.kind === StageKind.Encrypt && m.kind === given.kind) ?? given)
    replace(modifiers, [...kept, ...former])
    await engine.run(writeChain(engine.request(Op.Rechain, 4, 0, 0), chain), nothing, { signal, onProgress })
    replace(modifiers, kept)
  }

  /** Draws a data key, and seals everything anew under it. */
  async rotateKey({ signal, onProgress }: LongCall): Promise<void> {
    this.encryption
    const engine = await this.ready()
    await engine.run(engine.request(Op.Rotate, 3, 0, 0), nothing, { signal, onProgress })
  }

  /** Ends the engine, whose memory holds what was read, and forgets the keys and what opens them. */
  async lock(): Promise<void> {
    const { encryption } = this
    if (this.closing !== undefined) throw closed()
    await this.unlocking
    if (!this.locked) {
      this.locked = true
      clearTimeout(this.idle)
      this.idle = undefined
      this.locking = this.leave(locked()).finally(() => {
        encryption.unlocker = undefined
      })
    }
    await this.locking
  }

  /** Starts an engine with what opens the keys again; where it does not, all stays locked. */
  unlock(unlocker: Unlocker): Promise<void> {
    const turn = this.unlocking.then(() => this.begin(unlocker))
    this.unlocking = turn.catch(() => {})
    return turn
  }

  private async begin(unlocker: Unlocker): Promise<void> {
    const { encryption } = this
    await this.locking.catch(() => {})
    if (!this.locked) return void (await this.amend(['verify', unlocker]))
    encryption.unlocker = unlocker
    this.locked = false
    try {
      await this.ready()
    } catch (error) {
      this.locked = true
      encryption.unlocker = undefined
      await this.host.release()
      throw error
    }
  }

  /** Lets somebody else in who opens what is open, and unlocks it for them: with what opens its keys. */
  async admit(chain: readonly Modifier[]): Promise<void> {
    const { unlocker } = encryptionOf(chain) ?? {}
    if (unlocker !== undefined) await this.unlock(unlocker)
    else if (encryptionOf(this.settings.modifiers) !== undefined) throw new StowageError('key_required', 'the environment is encrypted')
  }

  /** What there is to encrypt with. */
  get encryption(): Encryption {
    const encryption = encryptionOf(this.settings.modifiers)
    if (encryption === undefined) throw new StowageError('not_encrypted', 'the environment is not encrypted')
    return encryption
  }

  /** Locks when nothing was called for long enough. */
  private readonly lockIdle = () => {
    const rest = this.used + this.settings.lockAfter! - Date.now()
    if (rest > 0) this.watchIdle(rest)
    else void this.lock().catch(() => {}) // what was lost is told to onLost
  }

  private watchIdle(milliseconds: number): void {
    this.idle = setTimeout(this.lockIdle, milliseconds)
    ;(this.idle as { unref?: () => void }).unref?.()
  }

  /** A session of another environment, that nobody else has, whose blobs pass another chain where there is one. */
  sibling(name: string, driver: DriverFactory, chain: readonly Modifier[] = this.settings.modifiers): Session {
    const modifiers = ownChain(chain)
    return new Session(this.host.sibling(name, driver, modifiers), { ...this.settings, modifiers, lockAfter: undefined })
  }

  /** Lets the running operations end, closes the engine, and gives everything back. */
  close(): Promise<void> {
    this.closing ??= this.end()
    return this.closing
  }

  private async end(): Promise<void> {
    for (const event of hiding) globalThis.removeEventListener?.(event, this.hidden)
    clearTimeout(this.idle)
    let last: Identity | undefined
    try {
      last = await this.leave(closed())
    } finally {
      await (await this.opening)?.closed(last)
    }
  }

  /** Closes the engine and gives everything back; what still runs then fails with why. One at a time. */
  private leave(why: StowageError): Promise<Identity | undefined> {
    const left = this.leaving.then(() => this.leaveEngine(why))
    this.leaving = left.catch(() => {})
    return left
  }

  private async leaveEngine(why: StowageError): Promise<Identity | undefined> {
    await this.starting?.catch(() => {})
    const engine = this.current
    this.current = undefined
    try {
      if (engine === undefined || engine.lost !== undefined) return undefined
      engine.ending = why
      return await tell(engine, Op.Close)
    } finally {
      engine?.discard(why)
      await this.host.release()
    }
  }

  /** Starts an engine; another one, elsewhere, after damage was set aside. */
  private async start(exchange?: Exchange): Promise<Engine> {
    for (;;) {
      let opening: Opening | undefined
      const engine = await this.host.start(() => opening?.committed(() => tell(engine, Op.Identity)))
      try {
        opening = await this.opening
        if (opening === undefined || opening.place === this.place) {
          await openEngine(engine, this.settings, exchange)
          opening?.found(await tell(engine, Op.Identity))
          if (this.version !== undefined) await understand(engine, this.version)
          for (const [number, { name, schema }] of this.tables) await openTable(engine, number, name, schema, { exchange })
          engine.onLost = this.settings.onLost
          if (this.engine !== undefined) { // this start was given up
            engine.discard(closed())
            return this.engine
          }
          this.current = engine
          if (this.settings.lockAfter !== undefined) this.watchIdle(this.settings.lockAfter)
          return engine
        }
      } catch (error) {
        engine.discard(closed())
        if (!(await opening?.failed(error))) throw error
      }
      engine.discard(closed())
      await this.host.release()
      this.place = opening!.place
      this.host = this.host.sibling(this.place)
    }
  }

  /** A page that is hidden may be gone the next moment: what is buffered is written now. */
  private readonly hidden = () => {
    if (globalThis.document?.visibilityState === 'visible') return
    const { engine } = this
    void engine?.run(engine.request(Op.Flush, 3, 0, 0), nothing).catch(() => {}) // what was lost is told to onLost
  }
}

/** What a page hears when it is hidden, and when it goes; visibilitychange comes to the window as well. */
const hiding = ['visibilitychange', 'pagehide'] as const

/** Asks an engine which environment it has, or closes it, which answers the same. */
export function tell(engine: Engine, op: Op.Identity | Op.Close): Promise<Identity> {
  return engine.run(engine.request(op, 3, 0, 0), unpack as Decode<Identity>)
}

function locked(): StowageError {
  return new StowageError('key_required', 'the environment is locked')
}

function closed(): StowageError {
  return new StowageError('closed', 'the environment is closed')
}

/** What the engine draws the names of blobs from, which must be used once. */
const seedBytes = 32

/** The first request to an engine: both sides tell the version of the frames they speak. */
async function openEngine(engine: Engine, settings: Settings, exchange?: Exchange): Promise<void> {
  const frame = engine.request(Op.Open, 11, 0, 0)
  frame.uint(protocolVersion).uint(settings.cacheBytes).uint(settings.maxDocumentBytes).uint(durabilities.indexOf(settings.durability))
  frame.uint(settings.bufferBytes).uint(settings.bufferMilliseconds)
  frame.bin(crypto.getRandomValues(new Uint8Array(seedBytes)))
  writeChain(frame, settings.modifiers)
  const version = await engine.run(frame, (bytes, start, end) => unpack(bytes, start, end), exchange)
  if (version !== protocolVersion) {
    throw new StowageError('unsupported', `the engine speaks version ${version} of the frames, this package ${protocolVersion}`)
  }
}

/** Tells the engine which version of the data is known here, and returns that of the data; `newer_schema` where it is later. */
export function understand(engine: Engine, version: number): Promise<number> {
  return engine.run(engine.request(Op.Understand, 4, 0, 0).uint(version), unpack as Decode<number>)
}

/** How a table is opened: in a transaction, with the indexes it has; or exactly with those described. */
interface TableOpening {
  transaction?: number
  exact?: boolean
  exchange?: Exchange | undefined
}

export async function openTable(
  engine: Engine,
  number: number,
  name: string,
  schema: Schema,
  { transaction = 0, exact = false, exchange }: TableOpening = {},
): Promise<void> {
  const frame = engine.request(Op.Table, 10, transaction, number)
  frame.string(name)
  writePath(schema.key)
  frame.bool(schema.increment).array(schema.indexes.length)
  for (const { name: index, paths, multi, unique } of schema.indexes) {
    frame.array(4).string(index).array(paths.length)
    for (const path of paths) writePath(path)
    frame.bool(multi).bool(unique)
  }
  frame.int(schema.cache).bool(exact).bool(schema.uncompressed)
  await engine.run(frame, nothing, exchange)

  function writePath(path: (string | number)[]): void {
    frame.array(path.length)
    for (const segment of path) typeof segment === 'number' ? frame.uint(segment) : frame.string(segment)
  }
}
