import { DurableObject } from 'cloudflare:workers'

import type { Driver, DriverFactory } from '../drivers/driver.js'
import { durable } from '../drivers/durable.js'
import type { Database, Tables } from '../environment/environment.js'
import { object } from './isolate.js'
import { takeKeysOnly } from './keys.js'
import { type OpenOptions, openOn } from '../environment/open.js'

/** As `OpenOptions`, for the storage of an object. */
export type ObjectOptions<S extends Tables> = Omit<OpenOptions<S>, 'driver' | 'worker' | 'wasm'>

/** The environment of an object. There is one in it, so nobody has to name it. */
const name = 'stowage'

/** How long after a commit the log is folded, in milliseconds. */
const foldAfter = 60_000

/**
 * A Durable Object with an environment in its storage, to be extended. `db` is open when the first
 * request comes; where it could not be opened, each request rejects with the reason, and the next one tries again.
 *
 *     const tables = { notes: table<Note>({ key: 'id' }) }
 *     export class Notes extends StowageObject<typeof tables> {
 *       constructor(ctx: DurableObjectState, env: Env) {
 *         super(ctx, env, { tables })
 *       }
 *       add(note: Note) {
 *         return this.db.notes.insert(note)
 *       }
 *     }
 *
 * A minute after a commit the object's alarm folds what was committed into pages, unless one was set
 * already. A class with alarms of its own calls `super.alarm()` in them.
 */
export abstract class StowageObject<S extends Tables = Record<never, never>, E = unknown> extends DurableObject<E> {
  /** The environment. Callers of the object cannot reach it: it is no method. */
  protected declare readonly db: Database<S>

  /** @param options or what makes them, where that has to wait for something: a key, say. */
  constructor(ctx: DurableObjectState, env: E, options?: ObjectOptions<S> | (() => Promise<ObjectOptions<S>>)) {
    super(ctx, env)
    const driver = folding(durable(ctx.storage), ctx.storage)
    void ctx.blockConcurrencyWhile(async () => {
      const given = typeof options === 'function' ? await options() : options
      const db = await openOn<S>(object, name, { ...given, driver })
      takeKeysOnly(db)
      Object.defineProperty(this, 'db', { value: db })
    })
  }

  async alarm(): Promise<void> {
    await this.db.checkpoint()
  }
}

/** A driver that sets the object's alarm, where none is set, when something was committed. */
function folding(factory: DriverFactory, storage: DurableObjectState['storage']): DriverFactory {
  const fold = async () => {
    if ((await storage.getAlarm()) === null) await storage.setAlarm(Date.now() + foldAfter)
  }
  return {
    ...factory,
    async open(name) {
      const driver = await factory.open(name)
      const commit: Driver['commit'] = async batch => {
        await driver.commit(batch)
        if (batch.add.length > 0) void fold().catch(() => {}) // the engine folds by itself, once the log has grown
      }
      return Object.assign(Object.create(driver) as Driver, { commit })
    },
  }
}
