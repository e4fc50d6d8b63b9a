/*
 * What an opening finds, held against what a sentinel remembers, and how an
 * environment fares from then on. This file is a bundle of its own, loaded while
 * the engine starts.
 */
import { arrive, type Presence } from './drivers/leveldb.js'
import { Sentinel } from './sentinel/sentinel.js'
import { blank, type Trace } from './sentinel/trace.js'

/**
 * What was found when the environment was opened.
 *
 * - `fresh`: nothing, and nothing is known to have been there.
 * - `ok`: all that is known to have been there.
 * - `evicted`: nothing, or another environment, where there was one.
 * - `rolled-back`: an earlier state of it: its last commits are missing.
 * - `corrupt`: damage. It was set aside, and a new environment is in use.
 */
export type State = 'fresh' | 'ok' | 'evicted' | 'rolled-back' | 'corrupt'

/** How an environment and its storage fare. */
export interface Health {
  state: State
  /** How many commits are known to be missing: where rolled back, at least so many; where evicted, all. */
  lost: number
  /** Where the memory is that states are decided by: a flushed file, only localStorage, or nowhere. */
  sentinel: 'file' | 'local' | 'none'
  /** Names of databases that were damaged and set aside, oldest first. The one in use comes after them. */
  setAside: string[]
  /** Whether the browser has promised not to evict the origin. */
  persisted: boolean
  /** Bytes that the origin may use, and uses, where the browser tells. */
  quota: number | undefined
  usage: number | undefined
}

/** Which environment it is, and how far it has come; as the engine tells. */
export interface Identity {
  id: string
  generation: number
  position: number
}

export interface OpeningOptions {
  /** Whether what is stored can be lost without the memory of it: in a browser. */
  sentinel: boolean
  setAside: boolean
}

/** The memory follows commits by no more often than this. */
const restMilliseconds = 100

/** So many databases are set aside at most. */
const maxAside = 9

/** The opening of one environment, and what is remembered of it afterwards. */
export class Opening {
  state: State = 'fresh'
  private lost = 0
  private trace: Trace = blank
  /** There was a memory, and it cannot be read. */
  private blurred = false
  private damage = false
  private timer: ReturnType<typeof setTimeout> | undefined
  /** Something was committed since it was opened. */
  private changed = false
  private followed = 0
  private writing: Promise<void> = Promise.resolve()
  /** Whether the memory, as it is held here, is of what is there. */
  private known = false
  private presence: Presence | undefined
  /** Nothing is written behind a torn log. */
  private sound = true

  private constructor(
    readonly name: string,
    private readonly setAside: boolean,
    private readonly sentinel: Sentinel | undefined,
  ) {}

  static async begin(name: string, options: OpeningOptions): Promise<Opening> {
    const opening = new Opening(name, options.setAside, options.sentinel ? new Sentinel(name) : undefined)
    const trace = await opening.sentinel?.read()
    opening.blurred = trace === 'damaged'
    if (trace !== undefined && trace !== 'damaged') opening.trace = trace
    if (opening.sentinel !== undefined) await opening.arrive(opening.sentinel)
    return opening
  }

  private async arrive(sentinel: Sentinel): Promise<void> {
    const unclean = sentinel.uncleanOthers()
    const names = [...unclean.keys()]
    if (this.blurred || !this.trace.clean) names.push(this.name)
    this.sound = names.length === 0
    const presence = await arrive(this.name, names)
    void presence.sound.then(sound => {
      this.sound = sound
      if (sound) for (const [name, trace] of unclean) if (presence.torn.includes(name)) sentinel.note({ ...trace, clean: true }, name)
    })
    this.presence = presence
    globalThis.addEventListener?.('pagehide', this.left)
  }

  /** The name under which the environment is stored now. */
  get place(): string {
    return placeName(this.name, this.trace.aside)
  }

  /** Decides what has been found. The memory keeps what it knows until something is committed. */
  found(there: Identity): void {
    const { trace } = this
    this.state = this.damage ? 'corrupt' : this.blurred ? (there.id === '' ? 'evicted' : 'ok') : judge(trace, there)
    this.lost = 0
    this.known = this.state === 'ok'
    if (this.state === 'evicted') this.lost = trace.position
    if (this.state === 'rolled-back') this.lost = trace.position - there.position
    if (this.state === 'evicted' || this.state === 'rolled-back') this.trace = { ...trace, life: trace.life + 1 }
  }

  /** Tells what was found; where nobody listens and something is missing, the console. */
  tell(listener: ((state: State, lost: number) => void) | undefined): void {
    if (listener !== undefined) listener(this.state, this.lost)
    else if (this.state !== 'fresh' && this.state !== 'ok') {
      console.warn(`stowage: "${this.name}" was opened ${this.state}; see onState`)
    }
  }

  /** What could not be opened: true where damage was set aside, so that opening `place` may succeed. */
  async failed(error: unknown): Promise<boolean> {
    if (!this.setAside || (error as { code?: string }).code !== 'corrupt' || this.trace.aside === maxAside) return false
    this.damage = true
    this.trace = { ...blank, life: this.trace.life + 1, aside: this.trace.aside + 1 }
    await this.sentinel?.write(this.trace)
    return true
  }

  /** Something was committed: the memory follows a moment later, and never holds a commit up. */
  committed(identity: () => Promise<Identity>): void {
    this.changed = true
    if (this.sentinel === undefined || this.timer !== undefined) return
    const due = Math.max(0, this.followed + restMilliseconds - Date.now())
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.followed = Date.now()
      // A failure is the engine's, and told to whoever uses it.
      this.writing = this.writing.then(identity).then(there => this.remember(there, false)).catch(() => {})
    }, due)
  }

  /** The environment was closed, where it could be asked for the last time. */
  async closed(there: Identity | undefined): Promise<void> {
    globalThis.removeEventListener?.('pagehide', this.left)
    clearTimeout(this.timer)
    await this.writing
    const sound = (await this.presence?.sound) ?? true
    // What is missing must be reported again, unless somebody went on without it.
    if (there !== undefined && there.id !== '' && (this.changed || this.known)) {
      const { trace } = this
      // What is remembered already needs no worker to write it once more, only that its end was clean this time.
      if (this.changed || trace.id !== there.id || trace.position < there.position) await this.remember(there, sound)
      else if (sound && !trace.clean) this.sentinel?.note({ ...trace, clean: true })
    }
    this.sentinel?.close()
    this.presence?.leave()
  }

  /**
   * The page goes, and nobody has closed the environment: that its end is clean is written where that can be done at once. A
   * page that comes back makes it unclean with its next commit.
   */
  private readonly left = () => {
    if (this.known && this.sound && this.trace.id !== '') this.sentinel?.note({ ...this.trace, clean: true })
  }

  async health(): Promise<Health> {
    const { state, lost, trace, sentinel } = this
    const storage = globalThis.navigator?.storage as StorageManager | undefined
    const { quota, usage } = (await storage?.estimate?.().catch(() => undefined)) ?? {}
    const persisted = (await storage?.persisted?.().catch(() => false)) ?? false
    const setAside = Array.from({ length: trace.aside }, (_, aside) => placeName(this.name, aside))
    return { state, lost, sentinel: sentinel?.kind ?? 'none', setAside, persisted, quota, usage }
  }

  private async remember({ id, generation, position }: Identity, clean: boolean): Promise<void> {
    if (this.sentinel === undefined) return
    const { life, aside } = this.trace
    this.trace = { id, life, generation, position, clean, aside }
    this.known = true
    await this.sentinel.write(this.trace)
  }
}

/** Holds what is there against what is remembered. */
export function judge(trace: Trace, there: Identity): State {
  if (trace.id === '') return there.id === '' ? 'fresh' : 'ok'
  if (there.id !== trace.id) return 'evicted'
  return there.position < trace.position ? 'rolled-back' : 'ok'
}

/** The first one has the environment's name; then name~2, name~3 and so on. */
function placeName(name: string, aside: number): string {
  return aside === 0 ? name : `${name}~${aside + 1}`
}
