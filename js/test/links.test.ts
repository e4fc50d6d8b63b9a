// Links that are changed here, and what relations through them lead to then, here and in a Go program, whose test
// sync/link_test.go reads the same file.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { type Database, memory, open } from 'stowage'
import { type Mode, model, through, view } from 'stowage/sync'

import { Origin } from './origin.js'
import { rejects } from './places.js'

type Values = Record<string, unknown>

interface Step {
  does: 'nothing' | 'add' | 'change' | 'remove' | 'discard' | 'origin' | 'refresh' | 'mode' | 'reopen'
  model?: string
  key?: unknown
  row?: Values
  /** At the origin. */
  rows?: Values[]
  gone?: Values[]
  mode?: Mode
  /** Of the two tracks, then. */
  tags?: string[][]
  /** That takes, with what the step does, where the models are not pulled. */
  requests?: number
  /** What the first track's tags are instead. */
  fails?: string
}

interface Linked {
  tables: Record<string, { columns: Record<string, string>; key: string[]; rows: Values[] }>
  cases: { name: string; link: string; only?: 'pulled' | 'loaded'; steps: Step[] }[]
}

const { tables, cases } = JSON.parse(readFileSync('../sync/testdata/links.json', 'utf8')) as Linked

for (const { name, link, only, steps } of cases) {
  for (const pulled of [false, true]) {
    if (only === undefined || (only === 'pulled') === pulled) test(`links ${pulled ? 'of shapes' : 'that are asked for'}: ${name}`, () => play(link, pulled, steps))
  }
}

async function play(link: string, pulled: boolean, steps: readonly Step[]): Promise<void> {
  const origin = new Origin()
  for (const [name, { columns, key, rows }] of Object.entries(tables)) origin.table(name, columns, key, rows)
  const db = (await open('links', { driver: memory() })) as Database
  let seen = await opened(db, origin, link, pulled, 'freshen')
  for (const [i, step] of steps.entries()) {
    const at = `step ${i}, ${step.does}`
    if (step.does === 'reopen') {
      await seen.close()
      seen = await opened(db, origin, link, pulled, step.mode!)
    }
    const tracks = await Promise.all([1, 2].map(id => seen.tracks(id, { mode: 'prefer-cache' }))) as { tags: PromiseLike<{ id: string }[]> & { refresh(): Promise<unknown> } }[]
    origin.count()
    if (step.does === 'refresh') for (const track of tracks) await track.tags.refresh()
    else await does(seen, origin, step)
    const of = async (track: (typeof tracks)[0]) => (await track.tags).map(({ id }) => id)
    if (step.fails !== undefined) await rejects(step.fails, of(tracks[0]!))
    else assert.deepEqual([await of(tracks[0]!), await of(tracks[1]!)], step.tags, at)
    if (!pulled && step.requests !== undefined) assert.equal(origin.asked.length, step.requests, `${at}: ${origin.asked.join('; ')}`)
  }
  await seen.close()
  await db.close()
}

function opened(db: Database, origin: Origin, link: string, pulled: boolean, mode: Mode) {
  const models = Object.fromEntries(Object.entries(tables).map(([name, { key }]) => [name, model<Values>({ table: name, key, pulled })]))
  const relations = { tracks: { tags: through('tags', link, 'track', 'tag') } }
  const made = view(db, { models, relations: relations as never, mode, origin: 'http://origin/v1/shape', fetch: origin.fetch, retry: { base: 1, most: 4 } })
  return made.open()
}

async function does(seen: Awaited<ReturnType<typeof opened>>, origin: Origin, step: Step): Promise<void> {
  const { key, row = {} } = step
  const of = seen[step.model!]!
  if (step.does === 'add') await of.add(row)
  if (step.does === 'change') await of.change(key as number, row)
  if (step.does === 'remove') await of.remove(key as number)
  if (step.does === 'discard') await seen.discard(step.model, key as number | undefined)
  if (step.does === 'origin') origin.write(step.model!, step.rows!, step.gone)
  if (step.does === 'mode') seen.mode = step.mode!
}
