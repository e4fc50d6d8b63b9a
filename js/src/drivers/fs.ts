/**
 * The Node driver: each blob in a file of its own under one directory, "r" is
 * the root, "l/…" the log, "p/…" pages and chunks. The Go package store/file reads and
 * writes the same files.
 *
 * A blob is written under a temporary name, synced and renamed, so that a crash
 * leaves it whole or absent; directories are synced as well. Both durabilities are therefore
 * strict. A lock file keeps a second process out; what a crash left behind is removed when the
 * directory is next opened.
 */
import * as fs from 'node:fs/promises'
import * as path from 'node:path'

import { type ErrorCode, StowageError } from '../errors.js'
import { type Batch, type Blob, type Driver, type DriverFactory, type DriverInfo, inRange, rootName } from './driver.js'

/** That of IndexedDB, so that an environment can move between them. */
const maxBlob = 64 * 1024 - 1

/** Far above that, for stages of one's own may add to what is sealed. Nothing as long is read into memory. */
const tooLong = 16 << 20

/** What is no file of bytes, a pipe say, is open at once where a system has such things. */
const reading = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0)

/** Ends the names of files that are being written. No blob's name has a dot in it. */
const temporary = '.tmp'

/** The file that says, in decimal, which process has the directory open. */
const lockName = 'lock'

/** Keeps environments in directories: each in one of its own name under `directory`. */
export function directory(root: string): DriverFactory {
  const base = path.resolve(root)
  return {
    id: `fs:${base}`,
    async open(name) {
      if (name === '.' || name === '..' || /[/\\\0]/.test(name)) {
        throw new StowageError('invalid_argument', 'the name of an environment in a directory cannot have a slash in it')
      }
      const dir = path.join(base, name)
      await attempt('open', () => makeDirectory(dir))
      await lock(dir)
      try {
        await attempt('open', () => clean(dir))
      } catch (error) {
        await unlock(dir).catch(() => {})
        throw error
      }
      return new DirectoryDriver(dir)
    },
  }
}

class DirectoryDriver implements Driver {
  private closed = false
  /** Batches go one after the other: the root is compared, then replaced. */
  private last: Promise<unknown> = Promise.resolve()

  constructor(private readonly dir: string) {}

  async read(names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    this.check()
    return Promise.all(names.map(name => this.readBlob(name)))
  }

  async commit(batch: Batch): Promise<void> {
    this.check()
    const turn = this.last.then(() => this.write(batch))
    this.last = turn.catch(() => {})
    return turn
  }

  async list(prefix: string): Promise<string[]> {
    this.check()
    return (await this.names()).filter(name => name.startsWith(prefix)).sort()
  }

  async info(held: boolean): Promise<DriverInfo> {
    this.check()
    if (!held) return { atomic: false, prefixDurable: true, maxBlob, blobs: -1, bytes: -1 }
    const names = await this.names()
    const sizes = await Promise.all(names.map(name => fs.stat(this.file(name)).then(stat => stat.size, () => 0)))
    return { atomic: false, prefixDurable: true, maxBlob, blobs: names.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await this.last
    await attempt('unlock', () => unlock(this.dir))
  }

  private check(): void {
    if (this.closed) throw new StowageError('closed', 'the driver is closed')
  }

  private file(name: string): string {
    return path.join(this.dir, ...name.split('/'))
  }

  private async readBlob(name: string): Promise<Uint8Array | undefined> {
    return attempt('read', async () => {
      let handle: fs.FileHandle | undefined
      try {
        handle = await fs.open(this.file(name), reading)
        const stat = await handle.stat()
        if (!stat.isFile() || stat.size > tooLong) throw new StowageError('corrupt', `what is at ${name} was never written`)
        const bytes = await handle.readFile()
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      } finally {
        await handle?.close()
      }
    })
  }

  /** What is referred to becomes durable before what refers to it. */
  private async write(batch: Batch): Promise<void> {
    if (batch.root !== undefined && !equal(await this.readBlob(rootName), batch.root.old)) {
      throw new StowageError('conflict', 'the root was replaced meanwhile')
    }
    for (const { name } of batch.add) {
      const taken = await fs.access(this.file(name)).then(() => true, () => false)
      if (taken) throw new StowageError('conflict', 'the name of a new blob is taken')
    }
    await attempt('write', async () => {
      await this.writeBlobs(batch.put)
      await this.writeBlobs(batch.add)
      if (batch.root !== undefined) await this.writeBlobs([{ name: rootName, bytes: batch.root.new }])
      const covered = batch.removeRange === undefined ? [] : inRange(await this.names(), batch.removeRange)
      await Promise.all([...batch.remove, ...covered].map(name => fs.rm(this.file(name), { force: true })))
    })
  }

  private async writeBlobs(blobs: Blob[]): Promise<void> {
    const dirs = new Set(blobs.map(({ name }) => path.dirname(this.file(name))))
    for (const dir of dirs) await makeDirectory(dir)
    await Promise.all(blobs.map(({ name, bytes }) => writeFile(this.file(name), bytes)))
    for (const dir of dirs) await syncDirectory(dir)
  }

  /** The names of all blobs. */
  private async names(): Promise<string[]> {
    const entries = await attempt('list', () => fs.readdir(this.dir, { recursive: true, withFileTypes: true }))
    return entries
      .filter(entry => entry.isFile())
      .map(entry => path.relative(this.dir, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
      .filter(name => name !== lockName && !name.endsWith(temporary))
  }
}

/** Creates a directory and makes its entry, and those of the parents it lacked, durable. */
async function makeDirectory(dir: string): Promise<void> {
  const first = await fs.mkdir(dir, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = dir; made.length >= first.length; made = path.dirname(made)) await syncDirectory(path.dirname(made))
}

/** Removes files half written, and directories without a file, of those that the driver itself has made. */
async function clean(dir: string): Promise<void> {
  for (const name of [rootName, lockName]) await fs.rm(path.join(dir, name + temporary), { force: true })
  const directories = ['k', 'l', 'p'].map(name => path.join(dir, name))
  for (const folder of [...directories]) {
    const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true }).catch(error => {
      if (isMissing(error)) return []
      throw error
    })
    for (const entry of entries) {
      const found = path.join(entry.parentPath, entry.name)
      if (entry.isDirectory()) directories.push(found)
      else if (entry.name.endsWith(temporary)) await fs.rm(found, { force: true })
    }
  }
  directories.sort((a, b) => b.length - a.length) // the inner ones first
  for (const directory of directories) await fs.rmdir(directory).catch(() => {}) // fails where something is in it
}

async function writeFile(file: string, bytes: Uint8Array): Promise<void> {
  const partial = file + temporary
  try {
    const handle = await fs.open(partial, 'w', 0o600)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await fs.rename(partial, file)
  } catch (error) {
    await fs.rm(partial, { force: true }).catch(() => {})
    throw error
  }
}

/** Makes the entries of a directory durable. Windows does not sync directories. */
async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await fs.open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Locks of this program's that could not be removed, as where a file system is only read since. Nobody has them any more. */
const left = new Set<string>()

/** Claims a directory. A lock whose process is gone is taken over. */
async function lock(dir: string): Promise<void> {
  const file = path.join(dir, lockName)
  if (await claim(file)) return
  if ((await isAbandoned(file)) && (await takeOver(file))) return
  throw new StowageError('locked', 'the directory is open in another process, or in this one already')
}

/**
 * Puts a lock in the place of an abandoned one. Those who try take turns, by a lock on
 * the lock: whoever came late would else remove what another one has just made.
 */
async function takeOver(file: string): Promise<boolean> {
  const turn = file + temporary
  if (!(await claim(turn))) {
    if (await isAbandoned(turn)) await attempt('lock', () => fs.rm(turn, { force: true })) // for whoever tries next
    return false
  }
  try {
    if (!(await isAbandoned(file))) return false
    await attempt('lock', () => fs.rm(file, { force: true }))
    return await claim(file)
  } finally {
    await fs.rm(turn, { force: true })
  }
}

/** Makes a lock file, with this process in it, unless there is one. */
async function claim(file: string): Promise<boolean> {
  try {
    await fs.writeFile(file, String(process.pid), { flag: 'wx', mode: 0o600 })
    left.delete(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw explain('lock', error)
  }
}

async function unlock(dir: string): Promise<void> {
  const file = path.join(dir, lockName)
  await fs.rm(file, { force: true }).catch((error: unknown) => {
    left.add(file)
    throw error
  })
}

/** Whether the process that wrote a lock is gone. One that is still being written is given a moment. */
async function isAbandoned(file: string): Promise<boolean> {
  for (let tries = 0; tries < 10; tries++) {
    const text = await fs.readFile(file, 'utf8').catch(() => undefined)
    if (text === undefined) return true
    const pid = Number(text)
    if (text !== '' && Number.isInteger(pid)) return !isRunning(pid) || (pid === process.pid && left.has(file))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return true
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function attempt<R>(what: string, f: () => Promise<R>): Promise<R> {
  try {
    return await f()
  } catch (error) {
    throw explain(what, error)
  }
}

const codes: Record<string, ErrorCode> = {
  ENOSPC: 'quota', EDQUOT: 'quota',
  EACCES: 'denied', EPERM: 'denied', EROFS: 'denied',
}

/** Gives an error of the file system a code. */
function explain(what: string, error: unknown): StowageError {
  if (error instanceof StowageError) return error
  const { code } = error as NodeJS.ErrnoException
  return new StowageError(codes[code ?? ''] ?? 'backend_failed', `the file system failed to ${what}: ${code}`, { cause: error })
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

function equal(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return Buffer.compare(a, b) === 0
}
