/*
 * What each request of an isolate asks of KV, although they share an engine and its session.
 */
import type { Engine, Exchange } from '../bridge/engine.js'
import { type KVUsage, noUsage } from '../drivers/kv.js'
import type { Session } from '../environment/session.js'

/** What stands behind the sessions that are metered, and what was asked through each. */
const meters = new WeakMap<Session, { shared: Session; usage: KVUsage }>()

/**
 * The session as one environment has it that was opened on it: every call made through it has its own
 * usage with it, also over others' steps. A start that others wait for is its own who made it.
 */
export function meter(shared: Session): Session {
  const usage = noUsage()
  let of: Engine | undefined
  let seen: Engine | undefined
  const metered = (engine: Engine): Engine => {
    if (of !== engine) [of, seen] = [engine, meteredEngine(engine, { usage })]
    return seen!
  }
  const ready = () => shared.ready({ usage }).then(metered)
  const session = new Proxy(shared, {
    get(target, member, self) {
      if (member === 'ready') return ready
      if (member === 'engine') return shared.engine && metered(shared.engine)
      return Reflect.get(target, member, self) as unknown
    },
  })
  meters.set(session, { shared, usage })
  return session
}

/** The session that is shared, and what was asked through this one; undefined where nobody counts. */
export const meterOf = (session: Session): { shared: Session; usage?: KVUsage } => meters.get(session) ?? { shared: session }

function meteredEngine(engine: Engine, own: Exchange): Engine {
  const counted = (exchange?: Exchange): Exchange => (exchange === undefined ? own : { ...exchange, ...own })
  const calls: Pick<Engine, 'run' | 'get'> = {
    run: (frame, decode, exchange) => engine.run(frame, decode, counted(exchange)),
    get: (table, key, decode, exchange) => engine.get(table, key, decode, counted(exchange)),
  }
  return Object.assign(Object.create(engine) as Engine, calls)
}
