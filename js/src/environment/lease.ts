import type { Engine } from '../bridge/engine.js'
import { StowageError } from '../errors.js'
import type { Access, Scope } from '../bridge/scope.js'
import type { Session } from './session.js'
import { transact } from './transaction.js'

/**
 * An environment's part in the session that it shares with others of its name: the same
 * scope, until the environment is closed, when everything made of it is `closed` although
 * the others go on.
 */
export class Lease implements Scope {
  readonly transaction = 0
  private ended = false
  private readonly listeners = new Set<() => void>()

  constructor(private readonly shared: Session) {}

  /** Not by a signal: in Workers that belongs to the request it was made in, and an environment may be kept for others. */
  readonly over = (then: () => void): (() => void) => {
    this.listeners.add(then)
    return () => this.listeners.delete(then)
  }

  /** The session; throws `closed` when it has ended. */
  get session(): Session {
    if (this.ended) throw new StowageError('closed', 'the environment is closed')
    return this.shared
  }

  get engine(): Engine | undefined {
    return this.ended ? undefined : this.shared.engine
  }

  async ready(): Promise<Engine> {
    return this.session.ready()
  }

  together<R>(access: Access, body: (scope: Scope) => Promise<R>): Promise<R> {
    return transact(() => this.ready(), access, body)
  }

  end(): void {
    this.ended = true
    for (const then of this.listeners) then()
  }
}
