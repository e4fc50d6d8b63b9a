// The table of modes in VIEW.md, cell by cell, for rows that are loaded and for shapes that are pulled.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { type Database, memory, open, StowageError, table } from 'stowage'
import * as sync from 'stowage/sync'
import { many, type Mode, model, modes, pull, view } from 'stowage/sync'

import { Origin } from '../origin.js'

const page = readFileSync('VIEW.md', 'utf8')

interface City { id: number; country: number; name: string }
const columns = { id: 'int8', country: 'int8', name: 'text' }
const rows: City[] = [1, 2, 3].map(id => ({ id, country: 1, name: 'old' }))
const spec = { table: 'cities', key: 'id' } as const
const relations = { countries: { cities: many('cities', 'country') } }

/** Of each mode, what the page says of the states. */
function tableOfPage(): [Mode, Record<string, string>][] {
  const lines = page.split('\n').filter(line => line.startsWith('| `') || line.startsWith('| | fresh'))
  const cells = (line: string) => line.split('|').slice(1, -1).map(cell => cell.trim())
  const [, ...states] = cells(lines.find(line => line.includes('fresh'))!)
  return modes.map(mode => {
    const [, ...said] = cells(lines.find(line => line.startsWith(`| \`${mode}\``))!)
    return [mode, Object.fromEntries(states.map((state, i) => [state, said[i]!]))]
  })
}

let databases = 0

class Cell {
  readonly origin = new Origin()
  db!: Database
  private view: Awaited<ReturnType<Cell['made']>> | undefined

  constructor(readonly pulled: boolean) {
    this.origin.chunkRows = 2
    this.origin.table('cities', columns, ['id'], rows)
    this.origin.table('countries', { id: 'int8' }, ['id'], [{ id: 1 }])
  }

  private made(mode: Mode, maxAge?: number) {
    const models = { cities: model<City>({ ...spec, pulled: this.pulled, ...(maxAge !== undefined && { maxAge }) }), countries: model<{ id: number }>({ table: 'countries', key: 'id' }) }
    return view(this.db, { origin: 'http://origin/v1/shape', fetch: this.origin.fetch, models, relations, mode, retry: { base: 1, most: 4 } }).open()
  }

  /** Brings city 2 into a state, and has its name be another one at the origin. */
  async prepare(state: string): Promise<void> {
    this.db = (await open(`mode ${++databases}`, { driver: memory(), tables: { cities: table<City>({ key: 'id' }) } })) as unknown as Database
    if (state === 'partial' && this.pulled) await this.pullPart()
    else {
      const before = await this.made('freshen')
      await before.cities(2)
      if (state === 'partial') await this.leaveList(before)
      state === 'fresh' ? (this.view = before) : await before.close()
    }
    if (state === 'evicted') await this.db.table('cities').truncate()
    this.origin.write('cities', [{ id: 2, country: 1, name: 'new' }])
    if (state === 'stale') await new Promise(resolve => setTimeout(resolve, 5))
    this.origin.count()
  }

  private async pullPart(): Promise<void> {
    let left = 1
    this.origin.through = (_url, answer) => (left-- > 0 ? answer() : Promise.reject(new TypeError('no network')))
    const puller = await pull(this.db, { origin: 'http://origin/v1/shape', shapes: { cities: { table: 'cities' } }, fetch: this.origin.fetch, retry: { base: 1, most: 4 } })
    await puller.refresh().catch(() => {})
    await puller.close()
    this.origin.through = (_url, answer) => answer()
  }

  private async leaveList(seen: Awaited<ReturnType<Cell['made']>>): Promise<void> {
    const { cities } = (await seen.countries(1))!
    await cities
    this.origin.write('cities', [{ id: 2, country: 7, name: 'old' }])
    await cities.refresh()
  }

  /** What is shown in a mode, how often the origin was asked for it, and what is shown once it has answered. */
  async shown(mode: Mode, state: string, behind: boolean): Promise<{ first: string; asked: number; then: string }> {
    const seen = this.view ?? (await this.made(mode, state === 'stale' ? 1 : undefined))
    if (this.view !== undefined) this.view.mode = mode
    const changed = new Promise<void>(resolve => seen.subscribe(resolve))
    try {
      const city = await seen.cities(2)
      const first = city!.name
      const asked = this.origin.asked.length
      if (behind && this.origin.reachable) await changed
      return { first, asked, then: city!.name }
    } catch (error) {
      assert.ok(error instanceof StowageError, String(error))
      return { first: error.code, asked: this.origin.asked.length, then: error.code }
    } finally {
      await seen.close()
      await this.db.close()
    }
  }
}

for (const pulled of [false, true]) {
  for (const [mode, states] of tableOfPage()) {
    test(`${mode}, ${pulled ? 'a shape that is pulled' : 'a row that is loaded'}: as VIEW.md says`, async () => {
      assert.deepEqual(Object.keys(states), ['fresh', 'complete', 'stale', 'partial', 'evicted'])
      for (const [state, said] of Object.entries(states)) {
        for (const reachable of [true, false]) {
          const cell = new Cell(pulled)
          await cell.prepare(state)
          cell.origin.reachable = reachable
          const { first, asked, then } = await cell.shown(mode, state, said.includes('behind'))
          const what = `${mode}, ${state}, ${reachable ? 'with' : 'without'} a network`
          const [, asks, otherwise] = /^(asked, else )?`?(\w+)`?/.exec(said)!
          const expected = asks !== undefined && reachable ? 'new' : otherwise === 'shown' ? 'old' : otherwise!
          assert.equal(first, expected, what)
          assert.equal(then, said.includes('behind') && reachable ? 'new' : expected, what)
          if (asks === undefined && !said.includes('behind')) assert.equal(asked, 0, what)
          else if (!pulled && asks !== undefined) assert.equal(asked, 1, what)
        }
      }
    })
  }
}

test('the examples of VIEW.md do what they say', async () => {
  const origin = new Origin()
  origin.table('artists', { id: 'int8', name: 'text' }, ['id'], [{ id: 1, name: 'Gaahl' }])
  origin.table('albums', { id: 'int8', artistId: 'int8', title: 'text' }, ['id'], [{ id: 1, artistId: 1, title: 'One' }, { id: 2, artistId: 1, title: 'Two' }])
  origin.table('genres', { id: 'text', label: 'text' }, ['id'], [{ id: 'm', label: 'Metal' }])
  origin.table('taggings', { artistId: 'int8', genreId: 'text' }, ['artistId', 'genreId'], [{ artistId: 1, genreId: 'm' }])
  const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text!).join('\n')
  let expectations = 0
  const lines = blocks.split('\n').filter(line => !line.startsWith('import ')).map(line => {
    const [, code, told] = /^(.*?\S) +\/\/ → (\S.*?)(?: {2,}.*)?$/.exec(line) ?? []
    if (told === undefined) return line.replace(/<\{.*?\}>/, '').replace("origin: 'https://music.example/v1/shape',", "origin: 'http://origin/v1/shape', fetch: origin.fetch,")
    expectations++
    return `;assert.deepEqual(${code}, ${told})`
  })
  const db = await open('page', { driver: memory() })
  const scope = { ...sync, assert, db, origin }
  const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => (...given: unknown[]) => Promise<void>
  const run = new AsyncFunction(...Object.keys(scope), `${lines.join('\n')}\nawait music.close()`)
  await run(...Object.values(scope))
  assert.equal(expectations, 7)
  await db.close()
})
