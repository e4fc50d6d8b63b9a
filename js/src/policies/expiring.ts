import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import type { Filter } from '../table/table.js'
import { overlay, type Steps } from './overlay.js'
import { member } from './timestamps.js'

/** How `expiring` works. */
export interface ExpiringOptions<T> {
  /** The member with the Date from which a document is no more: 'expires' unless given. An index on it makes this cheap. */
  field?: string
  /** Milliseconds that documents stay which have no such member when they are written. */
  ttl?: number
  /** The same for each document by itself: tells when it expires, undefined for never. */
  ttu?: (document: T, now: number) => Date | undefined
  /** Tells the time, in milliseconds since 1970. */
  clock?: () => number
}

/** A policy for documents that expire. Those that have are not found any more, and are deleted with the next write. */
export function expiring<T = Record<string, unknown>>(options?: ExpiringOptions<T>): Steps<T> {
  const o = new Options('expiring', options)
  const field = member(o, 'field', 'expires') ?? 'expires'
  const ttl = o.integer('ttl', { least: 1 })
  const ttu = o.function<NonNullable<ExpiringOptions<T>['ttu']>>('ttu')
  const clock = o.function<() => number>('clock') ?? Date.now
  o.done()
  const stale = () => ({ [field]: { $lte: new Date(clock()) } }) as Filter<T>
  const date = (document: T) => (document as Record<string, unknown>)[field]
  const limit = (document: T) => {
    if (date(document) instanceof Date) return
    const until = ttu?.(document, clock()) ?? (ttl === undefined ? undefined : new Date(clock() + ttl))
    if (until !== undefined && (!(until instanceof Date) || Number.isNaN(until.getTime()))) throw new StowageError('invalid_argument', 'expiring: a document expires at a Date')
    if (until !== undefined) (document as Record<string, unknown>)[field] = until
  }
  return {
    over: overlay,
    stale,
    created: limit,
    updated: limit,
    read: document => {
      const until = date(document)
      return until instanceof Date && until.getTime() <= clock() ? null : undefined
    },
    reads: () => false, // what is searched is narrowed: only what is got by identity has to be looked at
    narrow: filter => ({ $and: [filter ?? {}, { $nor: [stale()] }] }) as unknown as Filter<T>,
  }
}
