/* The notes of the Go example, as a JavaScript worker has them. */
import { type KVStore, open, StowageError, table } from 'stowage/edge'

interface Note {
  id: number
  author: string
  text: string
}

const tables = { notes: table<Note>({ key: 'id', indexes: ['author'] }) }

export default {
  fetch: (request: Request, { NOTES }: { NOTES: KVStore }): Promise<Response> =>
    answer(request, NOTES).catch((error: unknown) => {
      if (!(error instanceof StowageError)) throw error
      return Response.json({ error: error.message, code: error.code }, { status: 503 })
    }),
}

async function answer(request: Request, NOTES: KVStore): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  const db = await open('notes', { kv: NOTES, tables })
  await db.replica.sync({ after: request.headers.get('token') ?? '' })
  const id = Number(pathname.split('/')[2])
  let body: unknown = null
  if (pathname === '/compact') body = await db.replica.compact()
  else if (pathname === '/check') body = (await db.check()).problems
  else if (request.method === 'PUT') await db.notes.put({ id, ...((await request.json()) as Omit<Note, 'id'>) })
  else if (request.method === 'DELETE') await db.notes.delete(id)
  else body = await db.notes.find({ author: searchParams.get('author')! })
  return Response.json(body, { headers: { token: await db.replica.token() } })
}
