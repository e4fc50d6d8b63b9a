/*
 * A Durable Object's environment where everybody reads it from nearby: in Workers KV.
 */
import { type KVStore, kv, usageOf } from '../drivers/kv.js'
import type { Database } from '../environment/environment.js'
import { object } from './isolate.js'
import type { Modifier } from '../modifier/modifier.js'
import { openOn } from '../environment/open.js'
import { Replica } from './replica.js'
import type { Session } from '../environment/session.js'

/**
 * Publishes what an environment holds to a KV namespace, in the place of what was published under the name before. There
 * `open(name, { kv: store, tables })` reads it, a minute later everywhere, without asking the object. All of it is written each time:
 * 16 MiB are the most. Who else writes there gets `read_only`.
 *
 *     async alarm() {
 *       await super.alarm()
 *       await publish(this.db, this.env.STORE, 'notes')
 *     }
 *
 * @param modifiers those of the environment, where it is encrypted; what is published is sealed by them too, and opened with them.
 */
export async function publish(db: Pick<Database, 'export'>, store: KVStore, name: string, { modifiers = [] }: { modifiers?: readonly Modifier[] } = {}): Promise<void> {
  const driver = kv(store, { publishes: true })
  const copy = await openOn(object, name, { driver, modifiers })
  try {
    await copy.import(db.export(), { replace: true, modifiers })
    const replica = new Replica((copy as unknown as { session: Session }).session, () => usageOf(driver, name))
    while (!(await replica.compact()));
  } finally {
    await copy.close()
  }
}
