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
  private readonly ending = new AbortController()

  constructor(private readonly shared: Session) {}

  /** Aborted when it ends. */
  get over(): AbortSignal {
    return this.ending.signal
  }

  /** The session; throws `closed` when it has ended. */
  get session(): Session {
    if (this.over.aborted) throw new StowageError('closed', 'the environment is closed')
    return this.shared
  }

  get engine(): Engine | undefined {
    return this.over.aborted ? undefined : this.shared.engine
  }

  async ready(): Promise<Engine> {
    return this.session.ready()
  }

  together<R>(access: Access, body: (scope: Scope) => Promise<R>): Promise<R> {
    return transact(() => this.ready(), access, body)
  }

  end(): void {
    this.ending.abort()
  }
}
