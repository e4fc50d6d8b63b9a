/**
 * Web Locks as the driver uses them: exclusive and shared ones in the order of
 * their requests, with signals, `ifAvailable`, `steal` and query().
 */
export class Locks {
  private readonly held: Held[] = []
  private readonly queue: Waiting[] = []

  request(name: string, ...rest: unknown[]): Promise<unknown> {
    const callback = rest.pop() as (lock: unknown) => unknown
    const options = (rest[0] ?? {}) as LockOptions
    const mode = options.mode ?? 'exclusive'
    return new Promise((resolve, reject) => {
      if (options.signal?.aborted) return reject(options.signal.reason)
      if (options.steal) {
        for (const other of this.held.filter(h => h.name === name)) this.release(other, stolen())
      }
      const waiting: Waiting = { name, mode, grant: () => this.hold({ name, mode, resolve, reject }, callback) }
      if (options.ifAvailable && !this.free(waiting)) return resolve(callback(null))
      if (options.steal) this.queue.unshift(waiting)
      else this.queue.push(waiting)
      options.signal?.addEventListener('abort', () => {
        const at = this.queue.indexOf(waiting)
        if (at < 0) return
        this.queue.splice(at, 1)
        reject(options.signal!.reason)
        this.grant()
      })
      this.grant()
    })
  }

  async query(): Promise<LockManagerSnapshot> {
    const info = ({ name, mode }: { name: string; mode: LockMode }) => ({ name, mode, clientId: 'this' })
    return { held: this.held.map(info), pending: this.queue.map(info) }
  }

  private free(waiting: Waiting): boolean {
    const meets = (other: { name: string; mode: LockMode }) =>
      other.name === waiting.name && (other.mode === 'exclusive' || waiting.mode === 'exclusive')
    const before = this.queue.indexOf(waiting)
    return !this.held.some(meets) && !this.queue.slice(0, before < 0 ? undefined : before).some(meets)
  }

  private grant(): void {
    for (const waiting of [...this.queue]) {
      if (!this.free(waiting)) continue
      this.queue.splice(this.queue.indexOf(waiting), 1)
      waiting.grant()
    }
  }

  private async hold(held: Held, callback: (lock: unknown) => unknown): Promise<void> {
    this.held.push(held)
    try {
      const result = await Promise.resolve().then(() => callback({ name: held.name, mode: held.mode }))
      held.resolve(result)
    } catch (error) {
      held.reject(error)
    }
    this.release(held)
  }

  private release(held: Held, reason?: unknown): void {
    const at = this.held.indexOf(held)
    if (at < 0) return
    this.held.splice(at, 1)
    if (reason !== undefined) held.reject(reason)
    this.grant()
  }
}

interface Held {
  name: string
  mode: LockMode
  resolve(value: unknown): void
  reject(reason: unknown): void
}

interface Waiting {
  name: string
  mode: LockMode
  grant(): void
}

function stolen(): DOMException {
  return new DOMException('the lock was stolen', 'AbortError')
}
