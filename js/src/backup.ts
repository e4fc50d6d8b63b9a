import { unpack } from './document/document.js'
import type { Driver, DriverFactory } from './drivers/driver.js'
import { nothing } from './bridge/engine.js'
import { aborted, asStowageError, StowageError, wordsOf } from './errors.js'
import { type BatchFrame, readBatch } from './bridge/io.js'
import { encryptionOf, Kind, type Modifier, type SlotInfo, writeChain } from './modifier/modifier.js'
import type { LongCall } from './options.js'
import type { Session } from './environment/session.js'
import { Op } from './bridge/wire.js'

/** How `import` works. */
export interface ImportOptions extends LongCall {
  /** Drops what the environment holds, in the same transaction. Without it, holding anything is `not_empty`. */
  replace?: boolean
  /**
   * What the export has passed, where that is not what this environment's blobs pass: another passphrase than its own, or
   * the same one for an export of another environment.
   */
  modifiers?: readonly Modifier[]
}

/** How `copy` works. */
export interface CopyOptions extends LongCall {
  /** Where the copy goes: IndexedDB unless given. */
  driver?: DriverFactory
  /**
   * Builds new trees instead of copying what is stored: smaller, and without a trace of what was deleted. Of an encrypted
   * environment it has keys of its own, which open with what has opened this one, and no other slots: `key_required` where
   * the slot of that was removed meanwhile. It takes `modifiers` then, with what opens this one and the copy.
   */
  compact?: boolean
  /** What the copy's blobs pass, which is compact then. Without, they pass what those of this environment do. */
  modifiers?: readonly Modifier[]
}

/**
 * @internal
 * Everything the environment holds when reading begins, as a stream. The engine
 * makes the next part when this one has been taken, and waits meanwhile without keeping anybody
 * else waiting. Cancelling the stream, or closing the environment, ends it.
 */
export function exportStream(session: Session, { signal, onProgress }: LongCall): ReadableStream<Uint8Array> {
  let resume: ((more: boolean) => void) | undefined
  let delivered = () => {}
  let working: Promise<void> | undefined
  let over = false

  async function work(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const finish = (act: () => void) => {
      if (!over) act()
      over = true
      delivered()
    }
    const abort = () => {
      finish(() => controller.error(aborted(signal!)))
      resume?.(false)
    }
    signal?.addEventListener('abort', abort)
    try {
      const engine = await session.ready()
      await engine.run(engine.request(Op.Export, 3, 0, 0), nothing, {
        signal,
        onProgress,
        onRows(bytes, start, end) {
          if (over) return Promise.resolve(false)
          controller.enqueue(bytes.slice(start, end))
          delivered()
          return new Promise(resolve => {
            resume = resolve
          })
        },
      })
      finish(() => controller.close())
    } catch (error) {
      finish(() => controller.error(error))
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const arrived = new Promise<void>(resolve => {
          delivered = resolve
        })
        if (working === undefined) working = work(controller)
        else resume?.(true)
        return arrived
      },
      async cancel() {
        over = true
        resume?.(false)
        await working
      },
    },
    { highWaterMark: 0 },
  )
}

/** So many bytes of a stream are handed to the engine at once. */
const feedBytes = 256 << 10

/** The sets of stages that streams have passed. */
let lastSet = 0

/** @internal Reads a stream that `exportStream` made into an environment: all of it, or after an error nothing. */
export async function importStream(
  session: Session,
  source: ReadableStream<Uint8Array> | Blob,
  replace: boolean,
  modifiers: readonly Modifier[] | undefined,
  { signal, onProgress }: LongCall,
): Promise<void> {
  const set = modifiers === undefined ? 0 : ++lastSet
  const reader = readerOf(source)
  let rest = new Uint8Array(0)
  let failure: StowageError | undefined
  const stop = () => void reader.cancel(signal?.reason).catch(() => {})

  async function onFeed(): Promise<Uint8Array | undefined> {
    try {
      while (rest.length === 0) {
        const { done, value } = await reader.read()
        if (done) return undefined
        if (!(value instanceof Uint8Array)) throw new StowageError('invalid_argument', 'import: the stream has to be one of Uint8Array')
        rest = value as Uint8Array<ArrayBuffer>
      }
      const bytes = rest.subarray(0, feedBytes)
      rest = rest.subarray(feedBytes)
      return bytes
    } catch (error) {
      failure = asStowageError(error, 'backend_failed', 'import: the stream failed')
      throw failure
    }
  }

  signal?.addEventListener('abort', stop) // what waits for the stream goes on then
  try {
    const engine = await session.ready()
    if (modifiers !== undefined) await engine.extend(modifiers, set)
    const frame = engine.request(Op.Import, 6, 0, 0).bool(replace).uint(set)
    await engine.run(writeChain(frame, modifiers ?? []), nothing, { signal, onProgress, onFeed })
  } catch (error) {
    stop()
    throw failure ?? error
  } finally {
    signal?.removeEventListener('abort', stop)
    if (set > 0) session.engine?.dismiss(set)
    reader.releaseLock()
  }
}

function readerOf(source: ReadableStream<Uint8Array> | Blob): ReadableStreamDefaultReader<Uint8Array> {
  const stream = source instanceof Blob ? source.stream() : source
  if (!(stream instanceof ReadableStream) || stream.locked) {
    throw new StowageError('invalid_argument', 'import: takes a Blob, or a ReadableStream that nobody reads')
  }
  return stream.getReader()
}

/**
 * @internal
 * Copies an environment to a driver that holds nothing under that name. After an error
 * it holds nothing again, unless it fails at that too.
 */
export async function copyTo(session: Session, name: string, factory: DriverFactory, how: CopyingTo, call: LongCall): Promise<void> {
  try {
    await copyInto(await factory.open(name), session, name, factory, how, call)
  } catch (error) {
    throw asStowageError(error, 'backend_failed', `copy: the driver failed: ${wordsOf(error)}`)
  }
}

/** Whether the copy is one tree, and what it passes where that is not what this environment does. */
interface CopyingTo {
  compact: boolean
  modifiers: readonly Modifier[] | undefined
}

async function copyInto(driver: Driver, session: Session, name: string, factory: DriverFactory, { compact, modifiers }: CopyingTo, call: LongCall): Promise<void> {
  let begun = false
  try {
    if ((await driver.list('')).length > 0) throw new StowageError('not_empty', `copy: "${name}" is there already`)
    begun = true
    if (!compact) return await copyBlobs(session, driver, call)
    await driver.close() // the engine of the copy opens it itself
    const passed = await passedBy(session, modifiers)
    await rebuild(session, session.sibling(name, factory, modifiers), passed, call)
  } catch (error) {
    if (begun) await clear(compact ? factory.open(name) : driver).catch(() => {})
    throw error
  } finally {
    await driver.close()
  }
}

/** Hands what the engine copies to a driver. The root comes last. */
async function copyBlobs(session: Session, driver: Driver, call: LongCall): Promise<void> {
  const { maxBlob } = await driver.info(false)
  const engine = await session.ready()
  let failure: unknown
  await engine.run(engine.request(Op.Copy, 4, 0, 0).uint(maxBlob), nothing, {
    ...call,
    onRows(bytes, start, end) {
      const batch = readBatch(unpack(bytes, start, end) as BatchFrame)
      return driver.commit(batch).then(
        () => true,
        error => {
          failure = error
          return false
        },
      )
    },
  })
  if (failure !== undefined) throw failure
}

/**
 * What an export of an environment passes, with what opens that: as the environment was opened, or, where the slot of that
 * was removed meanwhile, as the copy is to be.
 */
async function passedBy(session: Session, copy: readonly Modifier[] | undefined): Promise<readonly Modifier[]> {
  const { modifiers } = session.settings
  if (encryptionOf(modifiers) === undefined) return modifiers
  if (((await session.amend(['slots'])) as SlotInfo[]).some(({ current }) => current)) return modifiers
  const other = copy?.find(({ kind }) => kind === Kind.Encrypt)
  if (other === undefined) throw new StowageError('key_required', 'copy: what has opened the environment was removed: give `modifiers` with what opens it')
  return modifiers.map(m => (m.kind === Kind.Encrypt ? other : m))
}

/** Exports one environment, whose blobs have passed these stages, into another, as one tree. */
async function rebuild(from: Session, to: Session, passed: readonly Modifier[], call: LongCall): Promise<void> {
  const { signal } = call
  try {
    await importStream(to, exportStream(from, { ...(signal && { signal }) }), false, passed, call)
    const engine = await to.ready()
    await engine.run(engine.request(Op.Checkpoint, 3, 0, 0), nothing, { signal })
  } finally {
    await to.close()
  }
}

/** Removes every blob of a driver, and closes it. */
async function clear(opening: Driver | Promise<Driver>): Promise<void> {
  const driver = await opening
  try {
    const remove = await driver.list('')
    await driver.commit({ put: [], add: [], root: undefined, remove, removeRange: undefined, durability: 'relaxed' })
  } finally {
    await driver.close()
  }
}
