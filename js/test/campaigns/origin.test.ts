// What follows an origin here are ElectricSQL's own client and TanStack DB's collection of it, unchanged. The Go side
// stands in testdata/origin.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { isChangeMessage, isControlMessage, ShapeStream, type Message } from '@electric-sql/client'
import { createCollection } from '@tanstack/db'
import { electricCollectionOptions } from '@tanstack/electric-db-collection'

import { type City as Row, Served, sum } from '../served.js'

const folder = mkdtempSync(join(tmpdir(), 'stowage-origin-'))
const command = join(folder, 'origin')
const seed = Number(process.env['SEED']) || Date.now() % 1e9

/** The atlas, where it was made; as many rows that are made up otherwise. */
const slices = '../web-demo/data/world'
const cities = 138_398
/** All of the 200 changes are made to the whole atlas in make torture, for each is one scan of it; ten otherwise. */
const torture = process.env['TORTURE'] !== undefined

// The client keeps a minute's timer for a cache that only browsers have. Nothing here waits for it.
const { setTimeout: begin } = globalThis
globalThis.setTimeout = ((body: (...given: unknown[]) => void, milliseconds?: number, ...given: unknown[]) => {
  const timer = begin(body, milliseconds, ...given)
  return (milliseconds ?? 0) > 50_000 ? timer.unref() : timer
}) as typeof setTimeout

before(() => execFileSync('go', ['build', '-o', command, './js/test/testdata/origin'], { cwd: '..', stdio: 'inherit' }))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Applies what the client hands over, and tells when the rows are as they should be. */
class Follower implements Client {
  readonly rows = new Map<string, Row>()
  refetches = 0
  #sum = 0
  #wanted = ''
  #reached = () => {}
  #failed = (_: unknown) => {}
  readonly #stop = new AbortController()

  constructor(url: string, liveSse: boolean) {
    // An origin that is started again fails requests meanwhile: the client is told to go on.
    const stream = new ShapeStream<Row>({ url, params: { table: 'cities' }, liveSse, signal: this.#stop.signal, onError: () => ({}) })
    stream.subscribe(
      messages => this.#apply(messages),
      error => this.#failed(error),
    )
  }

  #apply(messages: Message<Row>[]): void {
    for (const message of messages) {
      if (isControlMessage(message) && message.headers.control === 'must-refetch') {
        this.refetches++
        this.rows.clear()
        this.#sum = 0
      } else if (isChangeMessage(message)) this.#change(message.key, message.headers.operation, message.value)
    }
    this.#look()
  }

  #change(key: string, operation: 'insert' | 'update' | 'delete', value: Row): void {
    const was = this.rows.get(key)
    if (was) this.#sum ^= sum(was)
    if (operation === 'delete') {
      this.rows.delete(key)
      return
    }
    const row = operation === 'update' ? { ...was, ...value } : value
    this.rows.set(key, row)
    this.#sum ^= sum(row)
  }

  #look(): void {
    if (this.#wanted === `${this.rows.size} ${this.#sum >>> 0}`) this.#reached()
  }

  /** Waits for a number of rows and their sum. */
  reach(wanted: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wanted = wanted
      this.#reached = resolve
      this.#failed = reject
      this.#look()
    })
  }

  stop(): void {
    this.#stop.abort()
  }
}

/** A collection of TanStack DB, which has a store of its own. */
function collect(url: string): Client {
  // An origin that is started again fails requests meanwhile: the client is told to go on.
  const rows = createCollection(electricCollectionOptions<Row>({ id: 'cities', startSync: true, getKey: ({ id }) => String(id), shapeOptions: { url, params: { table: 'cities' }, onError: () => ({}) } }))
  const state = () => `${rows.size} ${[...rows.values()].reduce((all, row) => all ^ sum(row), 0) >>> 0}`
  return {
    // It is looked at from time to time, for who subscribes was seen not to be told of the last change.
    reach: async wanted => {
      while (state() !== wanted) await new Promise(resolve => setTimeout(resolve, 10))
    },
    stop: () => rows.cleanup(),
  }
}

/** What follows an origin. */
interface Client {
  /** Waits for a number of rows and their sum. */
  reach(wanted: string): Promise<void>
  stop(): void | Promise<void>
}

async function follow(client: (url: string) => Client, rows: number, changes: number, ...more: string[]): Promise<void> {
  const origin = await Served.start(command, mkdtempSync(join(folder, 'atlas-')), rows, ...more)
  const follower = client(origin.url)
  try {
    for (let i = 0; i < changes; i++) await follower.reach(await origin.do(`change ${seed + i}`))
    const before = follower instanceof Follower && follower.refetches
    await origin.do('forget')
    await follower.reach(await origin.do(`change ${seed + changes}`))
    if (follower instanceof Follower) assert.equal(follower.refetches, Number(before) + 1)
  } finally {
    await follower.stop()
    await origin.stop()
  }
}

for (const liveSse of [false, true]) {
  test(`the Electric client follows 200 changes of 2,000 rows by ${liveSse ? 'events' : 'long polls'}, and a lost sidecar (seed ${seed})`, { timeout: 240_000 }, () =>
    follow(url => new Follower(url, liveSse), 2000, 200))
}

test(`a collection of TanStack DB follows 200 changes of 2,000 rows, and a lost sidecar (seed ${seed})`, { timeout: 240_000 }, () => follow(collect, 2000, 200))

test(`the Electric client follows ${cities} rows (seed ${seed})`, { timeout: 600_000 }, () =>
  follow(url => new Follower(url, false), cities, torture ? 200 : 10, ...(existsSync(slices) ? [slices] : [])))
