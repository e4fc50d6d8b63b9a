// Notes of many users over HTTP.
//
//   GET    /ann             all of Ann's, ?about=shopping those about something
//   GET    /ann/7
//   PUT    /ann/7           {"about": "shopping", "text": "milk"}
//   DELETE /ann/7
import { StowageObject, table } from 'stowage/edge'

interface Note {
  id: number
  about: string
  text: string
}

interface Env {
  NOTES: DurableObjectNamespace<Notes>
}

const tables = { notes: table<Note>({ key: 'id', indexes: ['about'] }) }

export class Notes extends StowageObject<typeof tables, Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, { tables })
  }

  async list(about: string | null): Promise<Note[]> {
    return this.db.notes.find(about === null ? {} : { about })
  }

  get(id: number): Promise<Note | undefined> {
    return this.db.notes.get(id)
  }

  async put(note: Note): Promise<Note> {
    await this.db.notes.put(note)
    return note
  }

  async delete(id: number): Promise<boolean> {
    return (await this.db.notes.delete(id)) > 0
  }
}

const answer = (body: unknown, status = 200) => Response.json(body, { status })

/** The note that a request brings, undefined where it brings something else. */
async function noteOf(request: Request, id: number): Promise<Note | undefined> {
  const { about, text } = ((await request.json().catch(() => null)) ?? {}) as Partial<Note>
  return typeof about === 'string' && typeof text === 'string' ? { id, about, text } : undefined
}

/** Answers what the object did not take. What it could not do for another reason stays an error. */
function refused(error: unknown): Response {
  if ((error as { code?: string }).code !== 'too_large') throw error
  return answer({ error: 'a note is about something shorter, and is shorter itself' }, 413)
}

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url)
    const [, user, of, id] = /^\/([^/]+)(\/(\d{1,15}))?$/.exec(pathname) ?? []
    if (user === undefined) return answer({ error: 'a path is /user, or /user/number' }, 404)
    const notes = env.NOTES.getByName(user)
    if (of === undefined) return request.method === 'GET' ? answer(await notes.list(searchParams.get('about'))) : answer({ error: 'notes have numbers' }, 405)
    switch (request.method) {
      case 'GET': {
        const note = await notes.get(Number(id))
        return note === undefined ? answer({ error: 'there is no such note' }, 404) : answer(note)
      }
      case 'PUT': {
        const note = await noteOf(request, Number(id))
        if (note === undefined) return answer({ error: 'a note is an object with the texts about and text' }, 400)
        return notes.put(note).then(note => answer(note), refused)
      }
      case 'DELETE':
        return (await notes.delete(Number(id))) ? answer(null) : answer({ error: 'there is no such note' }, 404)
    }
    return answer({ error: 'GET, PUT or DELETE' }, 405)
  },
} satisfies ExportedHandler<Env>
