/**
 * A driver keeps immutable blobs by name, and one mutable blob, the root. It
 * knows nothing of what they hold. Writing one means writing the five methods;
 * they may be called concurrently, and what they reject with becomes
 * `backend_failed` unless it is a StowageError.
 *
 * Except for the root no name is ever used twice with other bytes.
 */
export interface Driver {
  /** The bytes of each name, in order, undefined where there is none. The caller keeps what it gets. */
  read(names: readonly string[]): Promise<(Uint8Array | undefined)[]>

  /**
   * Writes a batch: as a whole or not at all where info() says atomic, else in
   * the order put, add, root, remove. Fulfilled when the batch is as durable as it asks.
   */
  commit(batch: Batch): Promise<void>

  /** Every name that starts with prefix, ascending. */
  list(prefix: string): Promise<string[]>

  /** What the engine may rely on. How much is held, which may take long to count, is told where `held` asks for it. */
  info(held: boolean): Promise<DriverInfo>

  /** Gives back what the driver holds, its lock included. */
  close(): Promise<void>

  /** This driver for a call that wants to know what it asks for: counted to `own` as well. Absent where nothing is counted. */
  counting?(own: unknown): Driver

  /** How several contexts deal with one another; absent where one alone has the blobs. */
  readonly contexts?: Contexts | undefined
}

/**
 * How engines that work on the same blobs at once, each over a driver of its own,
 * deal with one another: the tabs and workers of a site. A batch that adds a blob
 * or replaces the root is heard by the others without being asked to. What a
 * context holds ends with it. The counterpart of store/contexts.go, which tells why.
 */
export interface Contexts {
  /** Makes this context known, in place of an earlier engine of it; all that one held is given back. */
  join(id: string, heard: (sign: Sign) => void): Promise<void>

  /**
   * Takes a named lock for this context alone and returns how to give it back. A
   * holder that gives no sign of life for so many milliseconds is robbed of it, and
   * not told. Without wait, undefined while another one has it.
   */
  lock(name: string, patience: number, wait: boolean): Promise<(() => void) | undefined>

  /** The sign of life of who holds a lock. */
  alive(name: string): void

  /** Tells the others that writers lose races. */
  contest(): void

  /** Says what this context needs the others to keep, in place of what it said before. */
  pin(pin: Pin): Promise<void>

  /** The least that any other context has pinned, and the ids of all of them. */
  others(): Promise<{ pin: Pin | undefined; ids: string[] }>
}

export type Sign = 'committed' | 'contested' | 'moved'

/** Generations of the root: pages of which one may be read, and which one is known. */
export interface Pin {
  read: number
  known: number
}

/** One unit of writing. The bytes belong to the driver from then on. */
export interface Batch {
  /** New blobs that nothing refers to before this batch is done. */
  put: Blob[]
  /** Blobs whose names must be free, else the batch fails with `conflict`. */
  add: Blob[]
  /** Replaces the root if it still holds `old`, else the batch fails with `conflict`. */
  root: { old: Uint8Array | undefined; new: Uint8Array } | undefined
  /** Names of blobs that nothing refers to any more. */
  remove: string[]
  /** All names from one to another, both included, are removed as well. */
  removeRange: { from: string; to: string } | undefined
  /** Relaxed: a crash of the process loses nothing. Strict: nor does a power cut. */
  durability: Durability
}

/** A name and its bytes. */
export interface Blob {
  name: string
  bytes: Uint8Array
}

export type Durability = 'relaxed' | 'strict'

/** The name under which the root is read. */
export const rootName = 'r'

/** Those of the names that a range has. */
export function inRange(names: Iterable<string>, range: Batch['removeRange']): string[] {
  return range === undefined ? [] : [...names].filter(name => range.from <= name && name <= range.to)
}

/** What the engine may rely on, and what is held now. */
export interface DriverInfo {
  /** A batch happens as a whole or not at all. */
  atomic: boolean
  /** A power cut loses the most recent commits, never one from the middle. */
  prefixDurable: boolean
  /** The size in bytes that a blob must not exceed. */
  maxBlob: number
  /** How many blobs are held, −1 where counting is expensive or was not asked for. */
  blobs: number
  /** The bytes they use, −1 where unknown or not asked for. */
  bytes: number
  /** 2: contexts write to the same blobs that do not see at once what the others do. 3: and this one may found an environment with keys. 4: and what is there is a copy that only such ones write to. Only stowage/edge has an engine for them. */
  sharing?: 2 | 3 | 4
}

/** Opens drivers; what `open` takes as `driver`. */
export interface DriverFactory {
  /** Where its data lives, without the environment's name: equal for factories that reach the same data. */
  readonly id: string
  /**
   * Opens the driver of one environment, creating it where there is none. One without
   * `contexts` takes it for this context alone: rejects with `locked` while another has it.
   */
  open(name: string): Promise<Driver>
  /**
   * How a worker gets at this driver: the URL of a module that exports
   * `driver(options): DriverFactory`, or the name of a driver that is built in. Without it, `worker: true` is `unsupported`.
   */
  readonly worker?: { module: string; options?: unknown } | undefined
  /**
   * Set where the browser may take the data away, or lose it, without a word: what was
   * committed is then remembered outside of it, and every opening tells what is missing.
   */
  readonly sentinel?: boolean | undefined
}
