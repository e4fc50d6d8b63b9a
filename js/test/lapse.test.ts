import assert from 'node:assert/strict'
import { test } from 'node:test'

import { StowageError } from 'stowage'
import { hash, type Read, type Repository, type Reply, service, type Service, type Tier, type Write } from 'stowage/repositories'

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

interface Person {
  id: string
  version: number
}

const script = ['read', 'add', 'read', 'keep', 'read', 'many', 'add', 'exists', 'read', 'behind', 'delete', 'read', 'exists', 'add', 'repository', 'many', 'past', 'read', 'delete', 'add', 'read', 'repository']

/** Adds, reads and deletes an entity, and fails where what is read is wrong. */
async function play(clock: StillClock, people: Repository<Person, object>, served: Service<Person, object>): Promise<void> {
  let may = new Set([0]) // versions that may be read, 0 for that there is none
  let version = 0
  const person = () => ({ id: 'ada', version: ++version })
  const read = async (asked: Promise<Person>) => (await asked.catch((error: StowageError) => (error.code === 'not_found' ? { version: 0 } : Promise.reject(error)))).version
  const steps: Record<string, () => Promise<number | void>> = {
    add: () => served.add(person()),
    keep: () => served.addWith([person()], { memoryAlways: true }),
    past: () => served.addWith([person()], { memory: false }),
    delete: () => served.delete('ada'),
    read: () => read(served.getOne('ada')),
    behind: () => read(served.getOne('ada', { memory: false })),
    repository: () => read(people.query('ada').entity()),
    many: async () => (await served.getMany(['bo', 'ada', 'cy']))[0]?.version ?? 0,
  }
  for (const [n, step] of script.entries()) {
    const told = `step ${n}, ${step}, of ${[...may]}`
    if (step === 'exists') {
      const there = await clock.through(served.exists('ada')).catch(() => undefined)
      if (there !== undefined) assert.ok(there ? [...may].some(v => v > 0) : may.has(0), told)
      continue
    }
    const before = version
    try {
      const got = await clock.through(steps[step]!())
      if (got !== undefined) assert.ok(may.has(got), `${told}: ${got}`)
      may = new Set([got ?? (step === 'delete' ? 0 : version)])
    } catch (error) {
      assert.ok(error instanceof StowageError && /^(backend_failed|unavailable|timeout)$/.test(error.code), `${told}: ${String(error)}`)
      if (step === 'delete') may.add(0)
      else if (version > before) may.add(version)
    }
  }
}

/** Plays the script where calls lapse, and tells how many there were. */
async function lapsing(of: Map<number, Lapse>, caches: boolean): Promise<number> {
  const clock = new StillClock()
  const calls = { n: 0, lapses: of }
  const people = hash<Person>({ name: 'person', fast: new Unsteady(new Shelf(clock), calls), fallback: new Unsteady(new Shelf(clock), calls), attributes: { id: 'text', version: 'number' }, clock })
  const served = service(people, caches ? { cache: { entries: 9 }, existsCache: { entries: 9 } } : {})
  await play(clock, people, served).catch((error: unknown) => assert.fail(`where ${JSON.stringify([...of])} lapse, caches ${caches}: ${String(error)}`))
  await served.shutdown()
  return calls.n
}

/** So many runs in which a few calls lapse, beside those in which any one does in any way; without it each call lapses once. */
const runs = process.env['STOWAGE_LAPSES']

test('nothing wrong is read whichever call of a tier goes wrong, in whichever way', async () => {
  for (const caches of [false, true]) {
    const calls = await lapsing(new Map(), caches)
    for (let n = 1; n <= calls; n++) {
      const each = runs !== undefined ? lapses : n % 2 === Number(caches) ? [lapses[(n >> 1) % 4]!] : []
      for (const of of each) await lapsing(new Map([[n, of]]), caches)
    }
    for (let run = Number(runs ?? 0); run > 0; run--) {
      const some = Array.from({ length: 2 + (run % 3) }, () => [1 + Math.floor(Math.random() * (calls + 5)), lapses[Math.floor(Math.random() * lapses.length)]!] as const)
      await lapsing(new Map(some), caches)
    }
  }
})
