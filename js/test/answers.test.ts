// What an origin has answered, one after the other, and what comes of it here and in a Go program, whose test
// sync/answers_test.go reads the same file.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { memory, open, table } from 'stowage'
import { pull, type ShapeSpec } from 'stowage/sync'

interface Recorded {
  name: string
  shape: ShapeSpec
  /** The identity of the rows, where it is not `id`. */
  key?: string
  schema: object
  /** The status is 200 unless given. */
  answers: { status?: number; headers: Record<string, string>; body?: unknown }[]
  /** After all was there. */
  refreshes?: number
  /** Queries; a buster is any. */
  requests: string[]
  /** By key; see written(). */
  rows: unknown[]
  /** Members of it. */
  position?: Record<string, unknown>
}

for (const recorded of JSON.parse(readFileSync('../sync/testdata/answers.json', 'utf8')) as Recorded[]) {
  test(`recorded answers: ${recorded.name}`, () => play(recorded))
}

async function play({ shape, key = 'id', schema, answers, refreshes = 0, requests, rows, position = {} }: Recorded): Promise<void> {
  const asked: string[] = []
  const fetch = async (url: RequestInfo | URL) => {
    asked.push(new URL(String(url)).search.slice(1).replace(/cache-buster=\w+/, 'cache-buster=*'))
    const { status = 200, headers, body } = answers[asked.length - 1] ?? { status: 403, headers: {} }
    return new Response(body === undefined ? null : JSON.stringify(body), { status, headers: { 'electric-schema': JSON.stringify(schema), ...headers } })
  }
  const db = await open('recorded', { driver: memory(), tables: { rows: table<Record<string, unknown>>({ key }), 'sync shapes': table<Record<string, unknown>>({ key: 'shape' }) } })
  const puller = await pull(db, { origin: 'http://origin/v1/shape', shapes: { rows: shape }, fetch, retry: { base: 1, most: 4 }, live: false })
  await puller.complete()
  for (let i = 0; i < refreshes; i++) await puller.refresh()
  await puller.close()
  assert.deepEqual(asked, requests)
  assert.deepEqual(written(await db.rows.find()), rows)
  const stored = (await db['sync shapes'].get('rows'))!
  assert.deepEqual(Object.fromEntries(Object.keys(position).map(name => [name, stored[name]])), position)
  await db.close()
}

/** A value as JSON has it: an integer that a number would round is {"$bigint": digits}, bytes are {"$bytes": hexadecimal digits}. */
function written(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: String(value) }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('hex') }
  if (Array.isArray(value)) return value.map(written)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, written(member)]))
}
