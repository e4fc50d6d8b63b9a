import { StowageError } from 'stowage'
import type { Clock, Read, Reply, Tier, Value, Write } from 'stowage/repositories'

/** A tier that is an object in memory: it keeps hashes and booleans, and does at once what it does. */
export class Shelf implements Tier {
  private readonly kept = new Map<string, { value: Value; until: number }>()

  constructor(private readonly clock: Clock) {}

  read(reads: readonly Read[]): Promise<Reply[]> {
    return Promise.resolve(reads.map(({ key, fields }) => this.answer(key, fields)))
  }

  write(writes: readonly Write[]): Promise<void> {
    for (const { key, kind, value = {}, only, expiry = 0 } of writes) {
      if (only !== undefined && (only === 'ifPresent') !== this.answer(key).found) continue
      if (kind === 'none') this.kept.delete(key)
      else if (kind === 'hash' || kind === 'boolean') this.kept.set(key, { value, until: expiry === 0 ? Infinity : this.clock.now() + expiry })
      else return Promise.reject(new StowageError('unsupported', kind))
    }
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  private answer(key: string, fields?: readonly string[]): Reply {
    const kept = this.kept.get(key)
    if (kept === undefined || kept.until <= this.clock.now()) return { found: false, expiry: 0, value: {} }
    const left = kept.until === Infinity ? 0 : kept.until - this.clock.now()
    const some = fields && { fields: new Map([...(kept.value.fields ?? [])].filter(([name]) => fields.includes(name))) }
    return { found: true, expiry: left, value: { ...kept.value, ...some } }
  }
}

/** Until everything has happened that nobody need wait for. */
export const quiet = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
