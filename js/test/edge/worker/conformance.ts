/* The tests that Node runs, for an object: they are collected when this is loaded, and run by name. */
import { DurableObject } from 'cloudflare:workers'
import { durable, type DurableStorage, kv, type KVStore } from 'stowage/edge'

import { tests } from '../../browser/collect.js'
import { conforms, merges } from '../../conformance.js'
import { hold } from './drivers.js'

import '../../query.test.js'
import '../../repositories.test.js'
import '../../store.test.js'
import '../../tables.test.js'

let storage: DurableStorage
conforms('durable', () => fresh(), false)

let namespace: KVStore
let places = 0
merges('kv', () => {
  const name = `place-${places++}`
  return () => kv(namespace).open(name)
})

/** The storage of the object with nothing in it, as the driver has it that opens it next. */
function fresh() {
  storage.sql.exec('DROP TABLE IF EXISTS stowage')
  return durable(storage)
}

export class Tests extends DurableObject<{ STORE: KVStore }> {
  async fetch(request: Request): Promise<Response> {
    namespace = this.env.STORE
    storage = hold((this.ctx as { storage: DurableStorage }).storage, namespace)
    const name = new URL(request.url).searchParams.get('name')
    if (name === null) return Response.json([...tests.keys()])
    try {
      await tests.get(name)!()
      return Response.json('ok')
    } catch (error) {
      return new Response((error as Error).stack ?? String(error), { status: 500 })
    }
  }
}

interface Namespace {
  idFromName(name: string): unknown
  get(id: unknown): { fetch(request: Request): Promise<Response> }
}

export default {
  fetch: (request: Request, env: { TESTS: Namespace }) => env.TESTS.get(env.TESTS.idFromName('tests')).fetch(request),
}
