// Notes of many users over HTTP. PUT /ann/7 stores a note of Ann's, GET /ann/7 reads it, GET /ann lists hers.
import { StowageObject, table } from 'stowage/edge'

interface Note {
  id: number
  text: string
}

interface Env {
  NOTES: DurableObjectNamespace<Notes>
}

const tables = { notes: table<Note>({ key: 'id' }) }

export class Notes extends StowageObject<typeof tables, Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, { tables })
  }

  async put(note: Note): Promise<void> {
    await this.db.notes.put(note)
  }

  get(id: number): Promise<Note | undefined> {
    return this.db.notes.get(id)
  }

  async list(): Promise<Note[]> {
    return this.db.notes.find()
  }
}

export default {
  async fetch(request, env) {
    const [, user = '', id] = new URL(request.url).pathname.split('/')
    const notes = env.NOTES.getByName(user)
    if (request.method === 'PUT') await notes.put({ id: Number(id), text: await request.text() })
    return Response.json(id === undefined ? await notes.list() : ((await notes.get(Number(id))) ?? null))
  },
} satisfies ExportedHandler<Env>
