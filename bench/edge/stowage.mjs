// The same over a table in KV.
import { open, table } from 'stowage/edge'

const tables = { notes: table({ key: 'id' }) }

export default {
  async fetch(request, { STORE }) {
    const { pathname, searchParams } = new URL(request.url)
    const id = Number(searchParams.get('id'))
    const db = await open('notes', { kv: STORE, tables })
    if (pathname === '/put') {
      await db.notes.put({ id, text: await request.text() })
      return Response.json(null)
    }
    return Response.json(pathname === '/get' ? (await db.notes.get(id)).text.length : null)
  },
}
