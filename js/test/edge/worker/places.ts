/* What a worker and an object are asked for in tests, and do with the environment they have. */
import { type Database, StowageError, table, where } from 'stowage/edge'

export interface Place {
  id: number
  country: string
  slug: string
  text?: string
}

export const tables = { places: table<Place>({ key: 'id', indexes: ['country', '&slug'] }) }

export const place = (id: number, text = ''): Place => ({ id, country: ['NO', 'SE', 'DK', 'FI'][id % 4]!, slug: `place-${id}`, text })

/** Answers a request for `/…/<what>?id=`; a failure is answered with its code. */
export async function answer(db: Database<typeof tables>, request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  const id = Number(searchParams.get('id'))
  try {
    return Response.json((await perform(db, pathname.split('/').at(-1)!, id)) ?? null)
  } catch (error) {
    return error instanceof StowageError ? Response.json({ code: error.code }) : new Response(String((error as Error).stack), { status: 500 })
  }
}

async function perform(db: Database<typeof tables>, what: string, id: number): Promise<unknown> {
  switch (what) {
    case 'insert':
      await db.places.insert(place(id))
      return db.places.get(id)
    case 'same': // of which the index lets one in
      return db.places.insert({ ...place(id), slug: 'same' })
    case 'increment':
      return db.transaction(async tx => {
        const before = (await tx.places.get(id)) ?? { ...place(id), text: '0' }
        await tx.places.put({ ...before, text: String(Number(before.text) + 1) })
      })
    case 'many':
      for (let first = 0; first < id; first += 1000) await db.places.insertMany(Array.from({ length: Math.min(1000, id - first) }, (_, i) => place(first + i, 'x'.repeat(100))))
      return
    case 'delete':
      return db.places.delete(id)
    case 'get':
      return db.places.get(id)
    case 'find':
      return (await db.places.find(where('country').eq('NO')).orderBy('id').limit(3)).map(({ id }) => id)
    case 'count':
      return db.places.count()
    case 'list':
      await db.store('records').put(new Uint8Array([id]), new Uint8Array([1]))
      return db.stores()
    case 'check':
      return (await db.check()).problems
    case 'checkpoint':
      return db.checkpoint()
    case 'stat':
      return db.stat()
    default:
      throw new Error(`nobody knows how to ${what}`)
  }
}
