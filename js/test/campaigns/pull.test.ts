// Schedules of faults between a puller and its origin, from seeds: whatever goes wrong on the way and on both sides, what is
// shown is always a state that the origin has had, never an earlier one than before, and in the end its own.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Database, type Driver, type DriverFactory, memory, open, type StowageError, table } from 'stowage'
import { pull, type Puller } from 'stowage/sync'

import { hashed, hashRow, writeSum } from '../../src/sync/checksum.js'
import { type Columns, type Row, writeText } from '../../src/sync/value.js'
import { Origin } from '../origin.js'
import { Random } from '../random.js'

const schedules = Number(process.env['SCHEDULES'] ?? 200)
const first = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
/** So many run at a time, for most of their time is spent waiting. */
const atOnce = 8

const types = { id: 'int8', name: 'text', size: 'float8', seen: 'bool' }
const columns: Columns = Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type }]))
const names = hashed(columns)
const tables = { cities: table<Row>({ key: 'id' }), 'sync shapes': table<Row>({ key: 'shape', cache: 0 }) }

const sumOf = (rows: readonly Row[]) => writeSum(rows.reduce((sum, row) => sum + hashRow(row, columns, names), 0n))
/** What a client that is being killed may answer. */
const dead = new Set(['backend_failed', 'closed', 'engine_lost'])
const wait = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds))

/** A driver that loses its process: what was stored until then stays. */
function mortal(inner: DriverFactory): { driver: DriverFactory; kill: () => void } {
  let life = { over: false }
  const open = async (name: string): Promise<Driver> => {
    const mine = life
    const driver = await inner.open(name)
    const living = <R>(call: () => Promise<R>): Promise<R> => (mine.over ? Promise.reject(new Error('the process has ended')) : call())
    return {
      read: blobs => living(() => driver.read(blobs)),
      commit: batch => living(() => driver.commit(batch)),
      list: prefix => living(() => driver.list(prefix)),
      info: held => living(() => driver.info(held)),
      close: () => driver.close(),
    }
  }
  return {
    driver: { id: inner.id, open },
    kill: () => {
      life.over = true
      life = { over: false }
    },
  }
}

class Schedule {
  private readonly random: Random
  private readonly origin = new Origin()
  private readonly storage = mortal(memory())
  private db!: Database<typeof tables>
  private puller!: Puller
  private healed = false
  /** The states that the origin has had, by their checksums, and the last that was shown. */
  private readonly history = new Map<string, number>()
  private shown = 0
  /** What a cache on the way has kept. */
  private readonly cache = new Map<string, { status: number; headers: [string, string][]; body: Uint8Array }>()
  /** What was asked last by this client, when first, and how often. */
  private run = { url: '', since: 0, times: 0 }
  private wrong: unknown
  /** How often what is shown was looked at. */
  looks = 0

  constructor(readonly seed: number) {
    this.random = new Random(seed)
    this.origin.chunkRows = 1 + this.random.below(9)
    this.origin.patience = 5
    this.origin.table('cities', types, ['id'], Array.from({ length: this.random.below(40) }, (_, id) => this.row(id)))
    this.remember()
    this.origin.through = (url, answer) => this.through(url, answer)
  }

  async play(): Promise<void> {
    await this.start()
    for (let deaths = this.random.below(4); deaths > 0; deaths--) {
      await this.asked(this.random.below(20))
      await this.check()
      if (this.random.chance(0.5)) await this.killClient()
      else await this.killOrigin()
    }
    await this.asked(10 + this.random.below(20))
    this.healed = true
    this.change()
    await this.converge()
    await this.puller.close()
    await this.db.close()
    if (this.wrong !== undefined) throw this.wrong
  }

  /** Waits for so many requests. */
  private async asked(count: number): Promise<void> {
    const until = this.origin.asked.length + count
    while (this.origin.asked.length < until) await wait(2)
  }

  private async start(): Promise<void> {
    this.run = { url: '', since: 0, times: 0 }
    this.db = await open('cities', { driver: this.storage.driver, tables })
    this.puller = await pull(this.db, { origin: 'http://origin/v1/shape', shapes: { cities: 'cities' }, fetch: this.origin.fetch, retry: { base: 1, most: 4 } })
  }

  private async killClient(): Promise<void> {
    this.storage.kill()
    await this.puller.close().catch(() => {})
    await this.db.close().catch(() => {})
    await this.start()
  }

  /** It comes back as it was, or without the log. */
  private async killOrigin(): Promise<void> {
    this.origin.reachable = false
    await wait(this.random.below(8))
    if (this.random.chance(0.5)) this.origin.rotate('cities')
    this.origin.reachable = true
  }

  private row(id: number): Row {
    return { id, name: `${this.random.below(1000)} ø`, size: this.random.below(1000) / 8, seen: this.random.chance(0.5) ? null : true }
  }

  private change(): void {
    const gone = this.origin.rows('cities').map(({ id }) => Number(id)).filter(() => this.random.chance(0.1))
    this.origin.write('cities', this.random.list(4, random => this.row(random.below(60))).filter(({ id }) => !gone.includes(id as number)), gone.map(id => ({ id })))
    this.remember()
  }

  private remember(): void {
    this.history.set(this.originSum(), this.history.size + 1)
  }

  private originSum(): string {
    return this.origin.checksum('cities')
  }

  private async through(url: URL, answer: () => Promise<Response>): Promise<Response> {
    this.note(url.href)
    if (this.healed) return answer()
    if (this.random.chance(0.25)) this.change()
    if (this.random.chance(0.4)) await this.check()
    const kept = async () => {
      const response = await answer()
      const body = new Uint8Array(await response.arrayBuffer())
      if (response.status === 200) this.cache.set(url.href, { status: 200, headers: [...response.headers], body })
      return new Response(body.length === 0 ? null : body, { status: response.status, headers: response.headers })
    }
    switch (this.random.below(24)) {
      case 0: throw new TypeError('no network')
      case 1: return this.cut(await kept())
      case 2: await answer(); return kept()
      case 3: await wait(this.random.below(5)); return kept()
      case 4: return this.stale(url.href) ?? kept()
      case 5: this.origin.rotate('cities'); return kept()
      case 6: return new Response('{"code":"quota"}', { status: 429, headers: { 'retry-after': '0.002' } })
      case 7: return new Response('<h1>Bad gateway', { status: this.random.one([500, 502, 503, 504]) })
      case 8: return new Response('<h1>Welcome to the hotel', { status: 200 })
      case 9: return new Response(null, { status: 304 })
    }
    return kept()
  }

  /** Ends at byte k: as if that were all, or with an error. */
  private async cut(response: Response): Promise<Response> {
    const bytes = new Uint8Array(await response.arrayBuffer())
    const part = bytes.slice(0, this.random.below(bytes.length + 1))
    const fails = this.random.chance(0.5)
    const body = new ReadableStream<Uint8Array>({
      start: controller => {
        if (part.length > 0) controller.enqueue(part)
        fails ? controller.error(new TypeError('the connection was lost')) : controller.close()
      },
    })
    return new Response(response.status === 204 ? null : body, { status: response.status, headers: response.headers })
  }

  private stale(url: string): Response | undefined {
    const found = this.cache.get(url)
    return found && new Response(found.body, { status: found.status, headers: found.headers })
  }

  /** The same is asked five times in half a second by nobody; less is demanded here, for clocks are read at other moments. */
  private note(url: string): void {
    const now = performance.now()
    this.run = url === this.run.url ? { ...this.run, times: this.run.times + 1 } : { url, since: now, times: 1 }
    if (this.run.times > 4 && now - this.run.since < 200) this.wrong ??= new Error(`${url} was asked ${this.run.times} times in ${now - this.run.since} ms`)
    if (this.run.times > 4) this.run = { url, since: now, times: 1 }
  }

  /** What is shown is a state that the origin has had, and not an earlier one than before. */
  private async check(): Promise<void> {
    try {
      const { position, rows } = await this.db.transaction(
        async tx => ({ position: await tx.table('sync shapes').get('cities'), rows: (await tx.cities.find()) as Row[] }),
        { readOnly: true },
      )
      if (position?.['complete'] !== true) return
      const at = this.history.get(sumOf(rows))
      assert.ok(at !== undefined, 'what is shown is no state of the origin')
      assert.ok(at >= this.shown, `state ${at} is shown after ${this.shown}`)
      this.shown = at
      this.looks++
    } catch (error) {
      if (error instanceof assert.AssertionError) this.wrong ??= error
      else if (!dead.has((error as StowageError).code)) this.wrong ??= error
    }
  }

  private async converge(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await this.puller.refresh()
        break
      } catch (error) {
        if (tries === 100) throw error
        await wait(20)
      }
    }
    await this.check()
    const texts = (row: Row) => Object.keys(types).map(name => writeText(row[name], columns[name]!.type))
    const byId = (a: (string | null)[], b: (string | null)[]) => Number(a[0]) - Number(b[0])
    const here = ((await this.db.cities.find()) as Row[]).map(texts).sort(byId)
    const there = this.origin.rows('cities').map(row => Object.keys(types).map(name => row[name]!)).sort(byId)
    assert.deepEqual(here, there)
    const position = (await this.db.table('sync shapes').get('cities'))!
    assert.deepEqual([position['checksum'], position['rows'], position['complete']], [this.originSum(), there.length, true])
  }
}

test(`${schedules} schedules of faults end with what the origin has (seed ${first})`, { timeout: 600_000 }, async () => {
  let next = 0
  let looks = 0
  const play = async () => {
    while (next < schedules) {
      const seed = first + next++
      try {
        const schedule = new Schedule(seed)
        await schedule.play()
        looks += schedule.looks
      } catch (error) {
        throw new Error(`${(error as Error).message}; replay with SEED=${seed} SCHEDULES=1`, { cause: error })
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, play))
  assert.ok(looks > 2 * schedules, `it was looked at ${looks} times`)
})
