import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'

import { StowageError } from 'stowage'
import { hash, type HashOptions, type Read, type Reply, type Service, service, type ServiceEvent, type Tier, type Write } from 'stowage/repositories'

import { Random, seeded } from './random.js'
import { quiet, Shelf } from './shelf.js'
import { StillClock } from './tiers.js'

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

  constructor(
    private readonly tier: Tier,
    private readonly clock: StillClock,
    private readonly random: Random,
  ) {}

  read(reads: readonly Read[], signal?: AbortSignal): Promise<Reply[]> {
    return this.suffer(signal, () => this.tier.read(reads))
  }

  write(writes: readonly Write[], signal?: AbortSignal): Promise<void> {
    return this.suffer(signal, () => this.tier.write(writes))
  }

  close(): Promise<void> {
    return this.tier.close()
  }

  /** Changes the mood until a time, and then is well. */
  flap(until: number): void {
    const over = this.clock.now() >= until
    this.mood = over || this.random.chance(0.5) ? 'well' : this.random.one(moods)
    if (!over) this.clock.after(100 + this.random.below(2900), () => this.flap(until))
  }

  private async suffer<R>(signal: AbortSignal | undefined, call: () => Promise<R>): Promise<R> {
    const { mood } = this
    if (mood === 'slow') await new Promise<void>(resolve => void this.clock.after(this.random.below(1500), resolve))
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

/** A call may take so long: it waits for its turn, twice for the fallback and three times for the fast tier, a second each. */
const slowest = (4 + 2 + 3) * 1000

/** A service over two moody tiers, and what has happened to it. */
class Campaign {
  readonly clock = new StillClock()
  readonly told: ServiceEvent[] = []
  readonly histories = Array.from({ length: 20 }, (): History => ({ writing: Promise.resolve(), settled: 0, begun: 0 }))
  readonly wrong: string[] = []
  answered = 0
  refused = 0
  private readonly people: Service<Person, HashOptions<Person>>
  readonly tiers: Moody[]

  constructor(random: Random) {
    const { clock } = this
    this.tiers = [0, 1].map(() => new Moody(new Shelf(clock), clock, new Random(random.below(2 ** 32))))
    const [fast, fallback] = this.tiers as [Moody, Moody]
    const repository = hash<Person>({ name: 'person', fast, fallback, expire: 3_600_000, clock, attributes: { id: 'text', version: 'number' } })
    const breaker = { recovery: 1000 }
    this.people = service(repository, { cache: { entries: 5 }, existsCache: { entries: 5 }, breaker: { fast: breaker, fallback: breaker }, onEvent: event => void this.told.push(event) })
  }

  /** One request of those that there are. */
  async request(action: number, id: number): Promise<void> {
    if (action < 2) return this.write(id)
    const began = this.clock.now()
    await (action === 2 ? this.exists(id) : action === 3 ? this.many(id) : this.read(id))
    this.took(began)
  }

  async write(id: number): Promise<void> {
    const h = this.histories[id]!
    const before = h.writing
    const change = async () => {
      await before
      const version = ++h.begun
      const began = this.clock.now()
      await (version % 3 === 0 ? this.people.delete(id) : this.people.add({ id: String(id), version })).then(
        () => void (h.settled = version),
        (error: unknown) => this.expected(error),
      )
      this.took(began)
    }
    await (h.writing = change())
  }

  async read(id: number): Promise<void> {
    const { settled } = this.histories[id]!
    await this.people.getOne(id).then(({ version }) => this.judge(id, settled, version), (error: unknown) => this.failed(id, settled, error))
  }

  async many(id: number): Promise<void> {
    const ids = [0, 1, 2].map(n => (id + n) % this.histories.length)
    const settled = ids.map(id => this.histories[id]!.settled)
    const found = await this.people.getMany(ids).catch((error: unknown) => void this.expected(error))
    if (found === undefined) return
    ids.forEach((id, i) => this.judge(id, settled[i]!, found.find(person => person.id === String(id))?.version))
  }

  async exists(id: number): Promise<void> {
    const { settled } = this.histories[id]!
    const there = await this.people.exists(id).catch((error: unknown) => void this.expected(error))
    if (there !== undefined) this.judge(id, settled, there ? 'some' : undefined)
  }

  /** Takes an answer about an entity, which was asked for when so much was settled. */
  judge(id: number, settled: number, version: number | 'some' | undefined): void {
    this.answered++
    const { begun } = this.histories[id]!
    const possible = Array.from({ length: begun - settled + 1 }, (_, i) => settled + i)
    const fits = possible.some(v => (version === undefined ? v % 3 === 0 : v % 3 !== 0 && (version === 'some' || v === version)))
    if (!fits) this.wrong.push(`entity ${id} is read in version ${version}, though it was between ${settled} and ${begun}`)
  }

  /** Holds that both tiers say the same in the end. */
  async recovered(): Promise<void> {
    for (const id of this.histories.keys()) {
      await this.clock.through(this.read(id))
      const version = (options?: HashOptions<Person>) => this.clock.through(this.people.getOne(id, options).then(person => person.version, (error: StowageError) => error.code))
      assert.equal(await version(), await version({ memory: false }), `entity ${id}`)
    }
  }

  /** Holds that breakers have come from one state to another as they are to. */
  breakers(): void {
    for (const tier of ['fast', 'fallback']) {
      const states = this.told.flatMap(event => (event.kind === 'state' && event.tier === tier ? [event.state] : []))
      assert.ok(states.length > 0, `the breaker of the ${tier} tier never opened`)
      assert.match(`closed ${states.join(' ')}`, /^(closed (open half-open )+)*closed$/, tier)
    }
  }

  /** Holds that no answer was wrong, and that something was met. */
  report(t: TestContext): void {
    t.diagnostic(`${this.answered} answers, ${this.refused} calls failed; ${JSON.stringify(this.people.metrics())}`)
    assert.deepEqual(this.wrong, [])
    assert.ok(this.answered > 0 && this.refused > 0 && this.people.metrics().warnings > 0, 'the campaign has met nothing')
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
    const took = this.clock.now() - began
    if (took > slowest) this.wrong.push(`a request took ${took} ms`)
  }
}

/** 200 requests a second for a minute meet tiers that fail, hang and flap. The minute passes at once. */
test('services over tiers that fail, hang and flap give no wrong answer, and keep nobody waiting', async t => {
  const random = seeded(t)
  const c = new Campaign(random)
  for (const tier of c.tiers) tier.flap(c.clock.now() + 60_000)
  const requests: Promise<void>[] = []
  for (let n = 0; n < 60 * 200; n++) {
    requests.push(c.request(random.below(10), random.below(c.histories.length)))
    await quiet()
    c.clock.pass(5)
  }
  await c.clock.through(Promise.all(requests))
  for (let second = 0; second < 10; second++) {
    c.clock.pass(1000) // all is well by now
    await quiet()
  }
  await c.recovered()
  c.breakers()
  c.report(t)
})
