import assert from 'node:assert/strict'
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

import type { Miniflare } from 'miniflare'

import { worker } from './workerd.js'

/** What becomes of a call of KV: it fails, by a promise or at once, is refused, or is never answered; `hidden` and `late` were carried out all the same. */
export type Lapse = 'lost' | 'thrown' | 'refused' | 'silent' | 'hidden' | 'late'

/** A worker with an engine that keeps notes in KV, and whose calls of it lapse as they are told to. */
export function unsteady(folder: string, main: string): ReturnType<typeof worker> {
  const copy = mkdtempSync(join(tmpdir(), 'stowage-unsteady-'))
  after(() => rmSync(copy, { recursive: true, force: true }))
  cpSync(folder, copy, { recursive: true })
  copyFileSync('test/edge/worker/hurried.mjs', join(copy, 'hurried.mjs'))
  writeFileSync(join(copy, 'unsteady.mjs'), readFileSync('test/edge/worker/unsteady.mjs', 'utf8').replace('worker.mjs', main))
  return worker(copy, 'unsteady')
}

interface Note {
  id: number
  author: string
  text: string
}

interface Answer<R> {
  status: number
  body: R
}

/** The notes of such a worker, the first of a workerd, with the texts that each may have: the last that was acknowledged, and what came after that. */
export class Notes {
  private readonly may = new Map<number, Set<string | undefined>>()
  private token = ''

  constructor(private readonly workerd: Miniflare) {}

  async ask<R>(path: string, { method = 'GET', body }: { method?: string; body?: unknown } = {}): Promise<Answer<R>> {
    const response = await this.workerd.dispatchFetch(`http://worker${path}`, { method, headers: { token: this.token }, body: body === undefined ? null : JSON.stringify(body) })
    const answer = { status: response.status, body: (await response.json()) as R }
    if (response.status === 200) this.token = response.headers.get('token') ?? this.token
    return answer
  }

  /** So many of the next calls of a method lapse, of any where it is `all`, by a clock that is so many times as fast. */
  async lapse(of: string, times: number, lapse: Lapse, speed: number): Promise<void> {
    await this.ask('/lapses', { method: 'POST', body: { of, times, lapse, speed } })
  }

  async steady(): Promise<void> {
    await this.lapse('', 0, 'lost', 1)
  }

  /** Says that a note may have a text, beside those that it may have already. */
  expect(id: number, text: string | undefined): void {
    this.may.set(id, (this.may.get(id) ?? new Set([undefined])).add(text))
  }

  /** Stores a note, and tells whether that was acknowledged. Who is told that it failed is told how. */
  async put(id: number, text: string): Promise<boolean> {
    this.expect(id, text)
    const answer = await this.ask(`/notes/${id}`, { method: 'PUT', body: { author: 'ann', text } })
    if (answer.status !== 200) return failed(answer)
    this.may.set(id, new Set([text]))
    return true
  }

  async delete(id: number): Promise<boolean> {
    this.expect(id, undefined)
    const answer = await this.ask(`/notes/${id}`, { method: 'DELETE' })
    if (answer.status !== 200) return failed(answer)
    this.may.set(id, new Set([undefined]))
    return true
  }

  /** Reads all notes: none is lost, none is there twice, and each is as it may be. */
  async check(): Promise<void> {
    const { status, body } = await this.ask<Note[]>('/notes?author=ann')
    assert.equal(status, 200, JSON.stringify(body))
    const read = new Map(body.map(({ id, text }) => [id, text]))
    assert.equal(read.size, body.length, 'a note is there twice')
    for (const [id, texts] of this.may) assert.ok(texts.has(read.get(id)), `note ${id} is ${read.get(id)}, not ${[...texts]}`)
  }
}

export function failed({ status, body }: Answer<unknown>): false {
  assert.deepEqual([status, (body as { code?: string }).code], [503, 'backend_failed'], JSON.stringify(body))
  return false
}
