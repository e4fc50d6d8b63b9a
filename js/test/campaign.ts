import assert from 'node:assert/strict'

import { StowageError } from 'stowage'
import { type Clock, hash, type HashOptions, type Read, type Reply, type Service, service, type ServiceEvent, type Tier, type Write } from 'stowage/repositories'

import { Random } from './random.js'

/** How a tier behaves for a while. */
const moods = [
  'well',
  'failing', // nothing is done
  'deceiving', // what fails was done
  'hanging', // nothing is done, and nothing is said
  'hanging too', // nothing is said, but it was done
  'slow', // up to a second and a half, so that some calls end in time
] as const

/** A tier whose mood changes. */
class Moody implements Tier {
  mood: (typeof moods)[number] = 'well'
  /** How often it was called. */
  private calls = 0

  constructor(
    private readonly tier: Tier,
    private readonly clock: Clock,
    private readonly random: Random,
    /** How many milliseconds a second takes. */
    private readonly second: number,
  ) {}

  read(reads: readonly Read[], signal?: AbortSignal): Promise<Reply[]> {
    return this.suffer(signal, () => this.tier.read(reads, signal))
  }

  write(writes: readonly Write[], signal?: AbortSignal): Promise<void> {
    return this.suffer(signal, () => this.tier.write(writes, signal))
  }

  close(): Promise<void> {
    return this.tier.close()
  }

  /** Changes the mood until a time, and then is well. It begins with so many calls that fail. */
  flap(until: number, failing: number): void {
    const over = this.clock.now() >= until
    this.mood = over || this.random.chance(0.5) ? 'well' : this.random.one(moods)
    if (this.calls < failing) this.mood = 'failing'
    if (!over || this.calls < failing) this.clock.after(this.within(2900) + this.second / 10, () => this.flap(until, failing))
  }

  /** Up to so many milliseconds, where seconds are as long as they are. */
  private within(most: number): number {
    return (this.random.below(most) * this.second) / 1000
  }

  private async suffer<R>(signal: AbortSignal | undefined, call: () => Promise<R>): Promise<R> {
    const { mood } = this
    this.calls++
    if (mood === 'slow') await new Promise<void>(resolve => void this.clock.after(this.within(1500), resolve))
    if (signal?.aborted) throw new StowageError('aborted', 'moody')
    if (mood === 'deceiving' || mood === 'hanging too') await call()
    if (mood === 'failing' || mood === 'deceiving') throw new StowageError('backend_failed', 'moody')
    if (mood === 'hanging' || mood === 'hanging too') await new Promise(() => {})
    return call()
  }
}

interface Person {
  id: string
  version: number
}

/** What may be read of one entity, whose versions ascend from 1. Versions that three divides are deletions; 0 is that it never was. */
interface History {
  /** Ends with the last write that was begun. */
  writing: Promise<void>
  /** The last version of which an add or delete has said that it is stored. */
  settled: number
  /** The last that anybody has begun to store. */
  begun: number
}

/** A call may take so many seconds: it waits for its turn, twice for the fallback and three times for the fast tier, one each. */
const slowest = 4 + 2 + 3

/** What a campaign is about. */
interface Terms {
  /** Of the fast tier and of the fallback, which are empty. */
  tiers: readonly [Tier, Tier]
  clock: Clock
  /** How many milliseconds a second takes, which are the timeout of a tier and the recovery of a breaker too. */
  second: number
  /** How many seconds tiers flap. */
  seconds: number
  /** Has so many milliseconds pass. */
  pass(milliseconds: number): Promise<void>
  /** What comes of something, for which time passes. */
  through<R>(work: Promise<R>): Promise<R>
}

/** A service over two moody tiers, and what has happened to it. */
export class Campaign {
  readonly wrong: string[] = []
  private readonly told: ServiceEvent[] = []
  private readonly histories = Array.from({ length: 20 }, (): History => ({ writing: Promise.resolve(), settled: 0, begun: 0 }))
  private answered = 0
  private refused = 0
  private longest = 0
  private readonly people: Service<Person, HashOptions<Person>>
  private readonly tiers: readonly Moody[]

  constructor(
    private readonly random: Random,
    private readonly terms: Terms,
  ) {
    const { clock, second } = terms
    this.tiers = terms.tiers.map(tier => new Moody(tier, clock, new Random(random.below(2 ** 32)), second))
    const [fast, fallback] = this.tiers as [Moody, Moody]
    const repository = hash<Person>({
      name: 'person', fast, fallback, fastTimeout: second, fallbackTimeout: second, expire: 3600 * second, clock, attributes: { id: 'text', version: 'number' },
    })
    const breaker = { recovery: second }
    this.people = service(repository, { cache: { entries: 5 }, existsCache: { entries: 5 }, breaker: { fast: breaker, fallback: breaker }, onEvent: event => void this.told.push(event) })
  }

  /** Has 200 requests a second meet tiers that flap, and holds that all is as it should be. Nobody may wait longer than `slowest`, unless told otherwise. */
  async run(most = slowest): Promise<string> {
    const { clock, second, seconds, pass, through } = this.terms
    for (const tier of this.tiers) tier.flap(clock.now() + seconds * second, 5)
    const requests: Promise<void>[] = []
    for (const began = clock.now(); clock.now() < began + seconds * second; await pass(5)) {
      while (requests.length * 5 <= clock.now() - began) requests.push(this.request(this.random.below(10), this.random.below(this.histories.length)))
    }
    await through(Promise.all(requests))
    for (let n = 0; n < 10; n++) await pass(second) // all is well by now
    await this.recovered()
    this.breakers()
    const { warnings, ...metrics } = this.people.metrics()
    assert.ok(this.answered > 0 && this.refused > 0 && warnings > 0, 'the campaign has met nothing')
    assert.ok(this.longest <= most * second, `a request took ${this.longest} ms`)
    assert.deepEqual(this.wrong, [])
    return `${this.answered} answers, ${this.refused} calls failed, the slowest took ${Math.round(this.longest)} ms; ${JSON.stringify({ ...metrics, warnings })}`
  }

  /** One request of those that there are. */
  private async request(action: number, id: number): Promise<void> {
    if (action < 2) return this.write(id)
    const began = this.terms.clock.now()
    await (action === 2 ? this.exists(id) : action === 3 ? this.many(id) : this.read(id))
    this.took(began)
  }

  private async write(id: number): Promise<void> {
    const h = this.histories[id]!
    const before = h.writing
    const change = async () => {
      await before
      const version = ++h.begun
      const began = this.terms.clock.now()
      await (version % 3 === 0 ? this.people.delete(id) : this.people.add({ id: String(id), version })).then(
        () => void (h.settled = version),
        (error: unknown) => this.expected(error),
      )
      this.took(began)
    }
    await (h.writing = change())
  }

  private async read(id: number): Promise<void> {
    const { settled } = this.histories[id]!
    await this.people.getOne(id).then(({ version }) => this.judge(id, settled, version), (error: unknown) => this.failed(id, settled, error))
  }

  private async many(id: number): Promise<void> {
    const ids = [0, 1, 2].map(n => (id + n) % this.histories.length)
    const settled = ids.map(id => this.histories[id]!.settled)
    const found = await this.people.getMany(ids).catch((error: unknown) => void this.expected(error))
    if (found === undefined) return
    ids.forEach((id, i) => this.judge(id, settled[i]!, found.find(person => person.id === String(id))?.version))
  }

  private async exists(id: number): Promise<void> {
    const { settled } = this.histories[id]!
    const there = await this.people.exists(id).catch((error: unknown) => void this.expected(error))
    if (there !== undefined) this.judge(id, settled, there ? 'some' : undefined)
  }

  /** Takes an answer about an entity, which was asked for when so much was settled. */
  private judge(id: number, settled: number, version: number | 'some' | undefined): void {
    this.answered++
    const { begun } = this.histories[id]!
    const possible = Array.from({ length: begun - settled + 1 }, (_, i) => settled + i)
    const fits = possible.some(v => (version === undefined ? v % 3 === 0 : v % 3 !== 0 && (version === 'some' || v === version)))
    if (!fits) this.wrong.push(`entity ${id} is read in version ${version}, though it was between ${settled} and ${begun}`)
  }

  /** Holds that both tiers say the same in the end. */
  private async recovered(): Promise<void> {
    for (const id of this.histories.keys()) {
      await this.terms.through(this.read(id))
      const version = async (options?: HashOptions<Person>): Promise<unknown> => {
        const said = await this.terms.through(this.people.getOne(id, options).then(person => person.version, (error: StowageError) => error.code))
        return said === 'timeout' || said === 'unavailable' ? version(options) : said // where others keep the machine busy
      }
      assert.equal(await version(), await version({ memory: false }), `entity ${id}`)
    }
  }

  /** Holds that breakers have come from one state to another as they are to. */
  private breakers(): void {
    for (const tier of ['fast', 'fallback']) {
      const states = this.told.flatMap(event => (event.kind === 'state' && event.tier === tier ? [event.state] : []))
      assert.ok(states.length > 0, `the breaker of the ${tier} tier never opened`)
      assert.match(`closed ${states.join(' ')}`, /^(closed (open half-open )+)*closed$/, tier)
    }
  }

  private failed(id: number, settled: number, error: unknown): void {
    if (error instanceof StowageError && error.code === 'not_found') this.judge(id, settled, undefined)
    else this.expected(error)
  }

  /** Whether a call may fail so. */
  private expected(error: unknown): void {
    this.refused++
    if (!(error instanceof StowageError) || !['unavailable', 'timeout'].includes(error.code)) this.wrong.push(String(error))
  }

  private took(began: number): void {
    this.longest = Math.max(this.longest, this.terms.clock.now() - began)
  }
}
