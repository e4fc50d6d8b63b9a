import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Store, StowageError } from 'stowage'
import {
  boolean, type Geo, geo, type GeoOptions, hash, type HashOptions, type Key, type QueryOptions, type Read, records, type Reply, type Repository, service, type Service, type SortedSet,
  sortedSet, type SortedSetOptions, type Tier, type Write,
} from 'stowage/repositories'

import { Shelf } from './shelf.js'
import { StillClock } from './tiers.js'

/** What becomes of a call of a tier: it fails, is never answered, or is answered when nobody waits; and it was done or not. */
const lapses = ['lost', 'hidden', 'silent', 'late'] as const
type Lapse = (typeof lapses)[number]

/** The calls of both tiers in their order, of which some lapse. */
class Unsteady implements Tier {
  constructor(
    private readonly tier: Tier,
    private readonly calls: { n: number; lapses: Map<number, Lapse> },
  ) {}

  read(reads: readonly Read[]): Promise<Reply[]> {
    return this.lapse(() => this.tier.read(reads))
  }

  write(writes: readonly Write[]): Promise<void> {
    return this.lapse(() => this.tier.write(writes))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  private async lapse<R>(call: () => Promise<R>): Promise<R> {
    const of = this.calls.lapses.get(++this.calls.n)
    const answer = of === 'lost' || of === 'silent' ? undefined : await call()
    if (of === 'lost' || of === 'hidden') throw new StowageError('backend_failed', 'unsteady')
    return of === undefined ? answer! : new Promise(() => {})
  }
}

/** A store that is an object in memory, as far as records ask of one. */
function shelf(clock: StillClock): Tier {
  const kept = new Map<string, Uint8Array>()
  const textOf = (key: Uint8Array) => new TextDecoder().decode(key)
  const store = {
    getMulti: async (keys: Uint8Array[]) => keys.map(key => [key, kept.get(textOf(key))]),
    putMulti: async (pairs: [Uint8Array, Uint8Array][]) => void pairs.forEach(([key, bytes]) => kept.set(textOf(key), bytes)),
    deleteMulti: async (keys: Uint8Array[]) => void keys.forEach(key => kept.delete(textOf(key))),
  }
  return records(store as unknown as Store, { clock: clock.now })
}

interface Config {
  name: string
  fast: Tier
  fallback: Tier
  clock: StillClock
}

/** What a kind of repository keeps. What there is of an entity is told as a text, '' where there is none. */
interface Subject<E, O extends object> {
  tier(clock: StillClock): Tier
  open(config: Config): Repository<E, O>
  /** What the version adds to 'ada'. */
  entity(version: number): E
  /** What there is then. */
  after(before: string, version: number): string
  text(entity: E): string
  /** What every query must say. */
  asks: O
  /** What asks for a part that is all there is. */
  part: O
}

/** The member that a version adds or changes. */
const memberOf = (version: number) => 'xyz'[version % 3]!

/** What members are once a version was added to them. */
const joined = (before: string, version: number) => [...before.split(' ').filter(member => member !== '' && !member.startsWith(memberOf(version))), memberOf(version) + version].sort().join(' ')

interface Person {
  id: string
  version: number
}

const persons: Subject<Person, HashOptions<Person>> = {
  tier: clock => new Shelf(clock),
  open: config => hash<Person>({ ...config, attributes: { id: 'text', version: 'number' } }),
  entity: version => ({ id: 'ada', version }),
  after: (_, version) => String(version),
  text: ({ version }) => String(version),
  asks: {},
  part: { fields: ['version'] },
}

const ladders: Subject<SortedSet, SortedSetOptions> = {
  tier: shelf,
  open: sortedSet,
  entity: version => ({ id: 'ada', members: [{ member: memberOf(version), score: version }] }),
  after: joined,
  text: ({ members, size }) => [...members.map(({ member, score }) => member + score).sort(), ...(size === members.length ? [] : [`of ${size}`])].join(' '),
  asks: {},
  part: { minScore: 0, page: 1, pageSize: 9 },
}

const near = { longitude: 0, latitude: 0, distance: 9000, unit: 'km' } as const

const shops: Subject<Geo, GeoOptions> = {
  tier: shelf,
  open: geo,
  entity: version => ({ id: 'ada', members: [{ member: memberOf(version), longitude: version, latitude: 0 }] }),
  after: joined,
  text: ({ members }) => members.map(({ member, longitude }) => member + longitude.toFixed(0)).sort().join(' '),
  asks: near,
  part: { ...near, count: 9 },
}

const signatures: Subject<Key, QueryOptions> = {
  tier: shelf,
  open: boolean,
  entity: () => 'ada',
  after: () => 'ada',
  text: id => id as string,
  asks: {},
  part: {},
}

const script = ['read', 'add', 'read', 'keep', 'read', 'many', 'add', 'exists', 'read', 'behind', 'delete', 'read', 'exists', 'add', 'repository', 'many', 'past', 'read', 'delete', 'add', 'read', 'part']

/** Adds, reads and deletes an entity, and fails where what is read is wrong. */
async function play<E, O extends object>({ entity, after, text, asks, part }: Subject<E, O>, clock: StillClock, entities: Repository<E, O>, served: Service<E, O>): Promise<void> {
  let may = new Set(['']) // what may be read
  let version = 0
  const read = async (asked: Promise<E>) => asked.then(text, (error: StowageError) => (error.code === 'not_found' ? '' : Promise.reject(error)))
  const steps: Record<string, () => Promise<string | void>> = {
    add: () => served.add(entity(version)),
    keep: () => served.addWith([entity(version)], { memoryAlways: true }),
    past: () => served.addWith([entity(version)], { memory: false }),
    delete: () => served.delete('ada'),
    read: () => read(served.getOne('ada', asks)),
    behind: () => read(served.getOne('ada', { ...asks, memory: false })),
    repository: () => read(entities.query('ada', asks).entity()),
    part: () => read(entities.query('ada', part).entity()),
    many: async () => (await served.getMany(['bo', 'ada', 'cy'], asks)).map(text)[0] ?? '',
  }
  for (const [n, step] of script.entries()) {
    const told = `step ${n}, ${step}, of ${JSON.stringify([...may])}`
    if (step === 'exists') {
      const there = await clock.through(served.exists('ada')).catch(() => undefined)
      if (there !== undefined) assert.ok(there ? [...may].some(text => text !== '') : may.has(''), told)
      continue
    }
    const adds = ['add', 'keep', 'past'].includes(step)
    if (adds) version++
    const then = adds ? [...may].map(before => after(before, version)) : step === 'delete' ? [''] : []
    try {
      const got = await clock.through(steps[step]!())
      if (got !== undefined) assert.ok(may.has(got), `${told}: ${got}`)
      may = new Set(got === undefined ? then : [got])
    } catch (error) {
      assert.ok(error instanceof StowageError && /^(backend_failed|unavailable|timeout)$/.test(error.code), `${told}: ${String(error)}`)
      for (const text of then) may.add(text)
    }
  }
}

/** Plays the script where calls lapse, and tells how many there were. */
async function lapsing<E, O extends object>(subject: Subject<E, O>, of: Map<number, Lapse>, caches: boolean): Promise<number> {
  const clock = new StillClock()
  const calls = { n: 0, lapses: of }
  const entities = subject.open({ name: 'of', fast: new Unsteady(subject.tier(clock), calls), fallback: new Unsteady(subject.tier(clock), calls), clock })
  const served = service(entities, caches ? { cache: { entries: 9 }, existsCache: { entries: 9 } } : {})
  await play(subject, clock, entities, served).catch((error: unknown) => assert.fail(`where ${JSON.stringify([...of])} lapse, caches ${caches}: ${String(error)}`))
  await served.shutdown()
  return calls.n
}

/** So many runs in which a few calls lapse, beside those in which any one does in any way; without it each call lapses once. */
const runs = process.env['STOWAGE_LAPSES']

async function each<E, O extends object>(subject: Subject<E, O>): Promise<void> {
  for (const caches of [false, true]) {
    const calls = await lapsing(subject, new Map(), caches)
    for (let n = 1; n <= calls; n++) {
      const each = runs !== undefined ? lapses : n % 2 === Number(caches) ? [lapses[(n >> 1) % 4]!] : []
      for (const of of each) await lapsing(subject, new Map([[n, of]]), caches)
    }
    for (let run = Number(runs ?? 0); run > 0; run--) {
      const some = Array.from({ length: 2 + (run % 3) }, () => [1 + Math.floor(Math.random() * (calls + 5)), lapses[Math.floor(Math.random() * lapses.length)]!] as const)
      await lapsing(subject, new Map(some), caches)
    }
  }
}

test('nothing wrong is read whichever call of a tier goes wrong, in whichever way', async t => {
  await t.test('hash', () => each(persons))
  await t.test('sortedSet', () => each(ladders))
  await t.test('geo', () => each(shops))
  await t.test('boolean', () => each(signatures))
})
