// What follows an origin here is ElectricSQL's own client, unchanged. The Go side
// stands in testdata/origin.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { isChangeMessage, isControlMessage, ShapeStream, type Message } from '@electric-sql/client'

import { type City as Row, Served, sum } from '../served.js'

const folder = mkdtempSync(join(tmpdir(), 'stowage-origin-'))
const command = join(folder, 'origin')
const seed = Number(process.env['SEED']) || Date.now() % 1e9

/** The atlas, where it was made; as many rows that are made up otherwise. */
const slices = '../web-demo/public/data'
const cities = 138_398
/** All of the 200 changes are made to the whole atlas in make torture, for each is one scan of it. */
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
class Follower {
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

async function follow(rows: number, changes: number, liveSse: boolean, ...more: string[]): Promise<void> {
  const origin = await Served.start(command, mkdtempSync(join(folder, 'atlas-')), rows, ...more)
  const follower = new Follower(origin.url, liveSse)
  try {
    for (let i = 0; i < changes; i++) await follower.reach(await origin.do(`change ${seed + i}`))
    const refetches = follower.refetches
    await origin.do('forget')
    await follower.reach(await origin.do(`change ${seed + changes}`))
    assert.equal(follower.refetches, refetches + 1)
  } finally {
    follower.stop()
    await origin.stop()
  }
}

for (const liveSse of [false, true]) {
  test(`the Electric client follows 200 changes of 2,000 rows by ${liveSse ? 'events' : 'long polls'}, and a lost sidecar (seed ${seed})`, { timeout: 240_000 }, () =>
    follow(2000, 200, liveSse))
}

test(`the Electric client follows ${cities} rows (seed ${seed})`, { timeout: 600_000 }, () =>
  follow(cities, torture ? 200 : 10, false, ...(existsSync(slices) ? [slices] : [])))
