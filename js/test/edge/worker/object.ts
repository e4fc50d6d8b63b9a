import { type Database, encrypt, StowageError, StowageObject } from 'stowage/edge'

import { answer, tables } from './places.js'

interface Env {
  [objects: string]: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): Promise<Response> } }
}

const raw = new Uint8Array(32).fill(7)

abstract class Answering extends StowageObject<typeof tables, Env> {
  fetch(request: Request): Promise<Response> {
    return answer(this.db as Database<typeof tables>, request)
  }
}

export class Plain extends Answering {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, { tables })
  }
}

export class RawKey extends Answering {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, { tables, modifiers: [encrypt({ key: raw })] })
  }
}

export class SameKey extends Answering {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, async () => {
      const key = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt'])
      return { tables, modifiers: [encrypt({ key })] }
    })
  }
}

/** What a passphrase is answered with. */
function refused(): string {
  try {
    encrypt({ passphrase: 'one that would have to be hashed' })
    return 'nothing'
  } catch (error) {
    return (error as StowageError).code
  }
}

/** `/<class>/<object>/<what>` is the object's. */
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const [, kind, name] = new URL(request.url).pathname.split('/')
    if (kind === 'passphrase') return Response.json(refused())
    const objects = env[kind!]!
    return objects.get(objects.idFromName(name!)).fetch(request)
  },
}
