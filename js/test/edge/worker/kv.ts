/* Environments in KV. Each `context` is an engine of its own, as if it ran elsewhere. */
import { type Database, type EdgeDatabase, encrypt, kv, type KVStore, type Modifier, open, StowageError, table } from 'stowage/edge'

import { answer, type Place, place, type tables as uniqueTables } from './places.js'

interface Env {
  STORE: KVStore
}

const tables = { places: table<Place>({ key: 'id', indexes: ['country'] }) }

const raw = new Uint8Array(32).fill(7)

const modifiers: Record<string, () => Promise<Modifier[]>> = {
  Plain: async () => [],
  RawKey: async () => [encrypt({ key: raw })],
  SameKey: async () => [encrypt({ key: await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']) })],
}

/** The same namespace, as another driver has it. */
const contexts = new Map<string, KVStore>()
function seenFrom(context: string, store: KVStore): KVStore {
  const seen = contexts.get(context) ?? {
    get: (key, options) => store.get(key, options),
    getWithMetadata: (keys, options) => store.getWithMetadata(keys, options),
    put: (key, value, options) => store.put(key, value, options),
    delete: key => store.delete(key),
    list: options => store.list(options),
  }
  contexts.set(context, seen)
  return seen
}

/** The code of what fails, in words that tell what to do. */
async function codeOf(work: () => Promise<unknown>, words = 'Durable Object'): Promise<string> {
  try {
    await work()
    return 'nothing'
  } catch (error) {
    if (error instanceof StowageError && error.message.includes(words)) return error.code
    throw error
  }
}

/** What requests before have opened, and left open, for those that ask for it. */
const kept = new Map<string, EdgeDatabase<typeof tables>>()

const tablesOf = (what: string) =>
  what === 'unique' ? { places: table<Place>({ key: 'id', indexes: ['&slug'] }) } : { places: table<Place, 'id'>({ key: '++id' }) }

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const [, kind = '', name = '', what = ''] = pathname.split('/')
    const driver = kv(seenFrom(searchParams.get('context') ?? '1', env.STORE), { found: searchParams.has('found'), ...(searchParams.has('expires') && { expires: new Date(searchParams.get('expires')!) }) })
    const options = { driver, modifiers: await modifiers[kind]!() }
    if (what === 'nothing') return Response.json(null)
    if (what === 'direct') { // what a put costs that nothing stands behind
      await env.STORE.put(`direct/${searchParams.get('id')}`, 'x'.repeat(4096))
      return Response.json(null)
    }
    if (what === 'unique' || what === 'increment') return Response.json(await codeOf(() => open(`${name}-${what}`, { ...options, tables: tablesOf(what) })))
    const opened = searchParams.has('kept') ? kept.get(name) : undefined
    const db = opened ?? await open(name, { ...options, tables }).catch(error => error as StowageError)
    if (db instanceof Error) return Response.json({ code: db.code })
    if (searchParams.has('kept')) kept.set(name, db)
    const response = await answerOf(db, what, searchParams, request)
    return searchParams.has('counted') ? Response.json(db.replica.usage()) : response
  },
}

async function answerOf(db: EdgeDatabase<typeof tables>, what: string, searchParams: URLSearchParams, request: Request): Promise<Response> {
  switch (what) {
    case 'transaction':
      return Response.json(await codeOf(() => db.transaction(tx => tx.places.put(place(1)))))
    case 'token':
      return Response.json(await db.replica.token())
    case 'sync':
      await db.replica.sync({ after: searchParams.get('after') ?? '' })
      return Response.json(null)
    case 'compact':
      return Response.json(await db.replica.compact({ budget: Number(searchParams.get('budget') ?? 500) }))
    case 'usage':
      return Response.json(db.replica.usage({ all: true }))
    case 'put':
      await db.places.put(place(Number(searchParams.get('id')), 'x'.repeat(4096)))
      return Response.json(null)
    case 'export':
      return new Response(db.export())
    case 'import':
      return Response.json(await codeOf(() => db.import(request.body!, searchParams.has('sealed') ? { modifiers: [encrypt({ key: raw })] } : {}), ''))
    case 'rotate':
      return Response.json(await codeOf(() => db.rotateKey(), 'import an export'))
    case 'close':
      await db.close()
      return Response.json(null)
  }
  return answer(db as unknown as Database<typeof uniqueTables>, request)
}
