import { StowageError } from '../errors.js'
import type { Contexts, Pin, Sign } from './driver.js'
import { holdLock, robLock, tryLock } from './weblock.js'

/** What is said on the channel: a sign, or the name of a lock whose holder is alive. */
type Message = { sign: Sign } | { alive: string } | { hello: boolean }

/**
 * The contexts of a site on one environment. What they hold are Web Locks, which end with
 * a tab or worker however that ends; what they say goes over a BroadcastChannel. A
 * lock `<environment>:context:<id>:<read>:<known>` tells of each that it is
 * there, and what it has pinned.
 */
export class Tabs implements Contexts {
  private readonly channel: BroadcastChannel
  private readonly prefix: string
  private heard: (sign: Sign) => void = () => {}
  private id = ''
  /** Gives back what says that this context is there. */
  private leavePlace: () => void = () => {}
  private readonly held = new Set<() => void>()
  /** When a lock's holder last gave a sign of life, or was first found silent. */
  private readonly lastAlive = new Map<string, number>()
  /** Whether anybody else has ever been heard: who is alone says nothing. */
  private company = false
  private closed = false

  constructor(environment: string) {
    this.prefix = `${environment}:`
    this.channel = new BroadcastChannel(environment)
    this.channel.onmessage = event => this.receive(event.data as Message)
  }

  async join(id: string, heard: (sign: Sign) => void): Promise<void> {
    this.letGo()
    this.id = id
    this.heard = heard
    await this.pin({ read: 0, known: 0 })
    this.channel.postMessage({ hello: true } satisfies Message)
  }

  async pin({ read, known }: Pin): Promise<void> {
    const place = await holdLock(`${this.prefix}context:${this.id}:${read}:${known}`, 'shared')
    this.leavePlace()
    this.leavePlace = place
    if (this.closed) place()
    this.tell('moved')
  }

  async others(): Promise<{ pin: Pin | undefined; ids: string[] }> {
    const start = `${this.prefix}context:`
    const { held = [] } = await navigator.locks.query()
    let pin: Pin | undefined
    const ids = new Set<string>()
    for (const { name = '' } of held) {
      const [id, read, known, more] = name.startsWith(start) ? name.slice(start.length).split(':') : []
      if (known === undefined || more !== undefined || id === this.id) continue
      ids.add(id!)
      pin = { read: Math.min(pin?.read ?? Infinity, Number(read)), known: Math.min(pin?.known ?? Infinity, Number(known)) }
    }
    return { pin, ids: [...ids] }
  }

  async lock(name: string, patience: number, wait: boolean): Promise<(() => void) | undefined> {
    const lock = this.prefix + name
    const release = (await tryLock(lock)) ?? (wait ? await this.await(lock, patience) : await this.robSilent(lock, patience))
    if (release === undefined) return undefined
    this.lastAlive.delete(lock)
    if (this.closed) release()
    const giveBack = () => {
      this.held.delete(giveBack)
      release()
    }
    this.held.add(giveBack)
    return giveBack
  }

  alive(name: string): void {
    this.say({ alive: this.prefix + name })
  }

  contest(): void {
    this.company = true // it lost against somebody
    this.tell('contested')
  }

  /** Lets the others know of something. */
  tell(sign: Sign): void {
    this.say({ sign })
  }

  close(): void {
    this.closed = true
    this.letGo()
    this.channel.close()
  }

  /** Gives back everything but the channel. */
  private letGo(): void {
    this.heard = () => {}
    for (const giveBack of this.held) giveBack()
    this.leavePlace()
    this.leavePlace = () => {}
  }

  private say(message: Message): void {
    if (this.company && !this.closed) this.channel.postMessage(message)
  }

  private receive(message: Message): void {
    this.company = true
    if ('alive' in message) this.lastAlive.set(message.alive, performance.now())
    else if ('sign' in message) this.heard(message.sign)
    else if (message.hello) this.say({ hello: false })
  }

  /** Waits in line for a lock, as long as whoever holds it is alive. */
  private async await(lock: string, patience: number): Promise<() => void> {
    const enough = new AbortController()
    const start = performance.now()
    let timer: ReturnType<typeof setTimeout>
    const watch = () => {
      const silent = performance.now() - Math.max(start, this.lastAlive.get(lock) ?? 0)
      if (silent >= patience || this.closed) enough.abort()
      else timer = setTimeout(watch, Math.min(patience - silent, 1000))
    }
    watch()
    try {
      const release = await holdLock(lock, 'exclusive', enough.signal)
      this.say({ alive: lock }) // whoever is next begins to count now
      return release
    } catch {
      if (this.closed) throw new StowageError('closed', 'the driver is closed')
      return this.rob(lock)
    } finally {
      clearTimeout(timer!)
    }
  }

  /** Takes a lock from who has been silent for too long since this was first asked. */
  private async robSilent(lock: string, patience: number): Promise<(() => void) | undefined> {
    const now = performance.now()
    const last = this.lastAlive.get(lock)
    if (last === undefined) this.lastAlive.set(lock, now)
    return now - (last ?? now) >= patience ? this.rob(lock) : undefined
  }

  private async rob(lock: string): Promise<() => void> {
    this.say({ alive: lock }) // one robber is enough
    return robLock(lock)
  }
}
