import { type Database, encrypt, type KVStore, type Modifier, open, publish, StowageError, StowageObject, table } from 'stowage/edge'

import { answer, type Place, tables } from './places.js'

type Env = { STORE: KVStore } & {
  [objects: string]: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): Promise<Response>; misread(): Promise<unknown> } }
}

const raw = new Uint8Array(32).fill(7)

/** How the objects of a class seal what they publish. */
const sealing: Record<string, Modifier[]> = { Plain: [], RawKey: [encrypt({ key: raw })] }

/** Where an object publishes to. */
const published = (kind: string, name: string) => `published-${kind}-${name}`

abstract class Answering extends StowageObject<typeof tables, Env> {
  async fetch(request: Request): Promise<Response> {
    const [, kind = '', name = '', what] = new URL(request.url).pathname.split('/')
    if (what === 'publish') {
      await publish(this.db, this.env.STORE, published(kind, name), { modifiers: sealing[kind]! })
      return Response.json(null)
    }
    if (what === 'passphrases') return Response.json(await refusedBy(this.db))
    return answer(this.db as Database<typeof tables>, request)
  }

  /** Rejects: there is no such key. */
  misread(): Promise<unknown> {
    return this.db.places.get({} as number)
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

const passphrase = 'one that would have to be hashed'

/** What a passphrase is answered with, wherever one can be given, and what a key is. */
async function refusedBy(db?: Pick<Database, 'addSlot' | 'changePassphrase' | 'unlock'>): Promise<string[]> {
  const key = crypto.getRandomValues(new Uint8Array(32))
  const asked: (() => unknown)[] = db === undefined ? [() => encrypt({ passphrase })] : [
    () => db.addSlot({ passphrase }),
    () => db.addSlot({ passphrase, pbkdf2: 600_000 }),
    () => db.changePassphrase({ key: raw }, passphrase),
    () => db.changePassphrase(passphrase, { key: raw }),
    () => db.unlock({ passphrase }),
    () => db.addSlot({ key }),
    () => db.changePassphrase({ key }, { key: crypto.getRandomValues(new Uint8Array(32)) }),
  ]
  const told: string[] = []
  for (const ask of asked) {
    try {
      await ask()
      told.push('nothing')
    } catch (error) {
      told.push((error as StowageError).code ?? String(error))
    }
  }
  return told
}

/** `/<class>/<object>/<what>` is the object's. */
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const [, kind = '', name = '', what] = new URL(request.url).pathname.split('/')
    if (what === 'published') {
      const db = await open(published(kind, name), { kv: env.STORE, modifiers: sealing[kind]!, tables: { places: table<Place>({ key: 'id', indexes: ['country'] }) } })
      await db.replica.sync()
      return answer(db as unknown as Database<typeof tables>, request)
    }
    if (kind === 'passphrase') return Response.json(await refusedBy())
    const objects = env[kind]!
    const object = objects.get(objects.idFromName(name))
    if (what === 'misread') return Response.json(await object.misread().catch((error: StowageError) => [error.name, error.code]))
    return object.fetch(request)
  },
}
