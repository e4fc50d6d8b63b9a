/* An environment in KV that is compacted by what a worker is woken by: a cron trigger, a queue, an object's alarm. */
import { DurableObject } from 'cloudflare:workers'
import { type KVStore, open, table } from 'stowage/edge'

interface Env {
  STORE: KVStore
  QUEUE: { send(name: string): Promise<void> }
  WAKING: { getByName(name: string): { wake(): Promise<void> } }
}

const tables = { notes: table<{ id: number }>({ key: 'id' }) }

const opened = (name: string, { STORE }: Env) => open(name, { kv: STORE, tables })

async function compact(name: string, env: Env): Promise<void> {
  const db = await opened(name, env)
  await db.replica.compact({ budget: 100 })
}

/** Compacts the environment that has its name. */
export class Waking extends DurableObject<Env> {
  async wake(): Promise<void> {
    await (this.ctx.storage as unknown as { setAlarm(time: number): Promise<void> }).setAlarm(Date.now())
  }
  override async alarm(): Promise<void> {
    await compact('alarm', this.env)
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const [, name = '', what = ''] = new URL(request.url).pathname.split('/')
    if (what === 'alarm') await env.WAKING.getByName(name).wake()
    else if (what === 'queue') await env.QUEUE.send(name)
    else {
      const db = await opened(name, env)
      if (what === 'fill') for (let id = 0; id < 5; id++) await db.notes.put({ id })
      else return Response.json(await db.notes.count())
    }
    return Response.json(null)
  },
  scheduled: (_event: unknown, env: Env) => compact('cron', env),
  async queue(batch: { messages: { body: string }[] }, env: Env): Promise<void> {
    for (const { body } of batch.messages) await compact(body, env)
  },
}
