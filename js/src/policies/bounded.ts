import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import type { Table } from '../table/table.js'
import { expiring, type ExpiringOptions } from './expiring.js'
import { overlay, type Steps } from './overlay.js'
import { type Use, Uses } from './uses.js'

/**
 * Which documents go first: lru those not used for longest, mru the one used last, lfu those used least, fifo those that
 * were first, rr any. ttl and tlru are lru, beside documents that expire: after `ttl`, or when `ttu` says.
 */
export type BoundKind = 'lru' | 'mru' | 'lfu' | 'fifo' | 'rr' | 'ttl' | 'tlru'

/** How `bounded` works. */
export interface BoundedOptions<T> extends ExpiringOptions<T> {
  kind: BoundKind
  /** How much the table holds at most: documents, or what `size` adds up to. */
  max: number
  /** The size of a document, 1 unless given. One larger than `max` is `too_large`. */
  size?: (document: T) => number
  /** Numbers from 0 up to 1, for rr: Math.random unless given. */
  random?: () => number
}

const kinds: readonly BoundKind[] = ['lru', 'mru', 'lfu', 'fifo', 'rr', 'ttl', 'tlru']

/**
 * A policy that keeps a table from growing: what is too much is deleted in the transaction that stores more.
 * What was used when is remembered, not stored: documents that this context has not met count as unused, in the order of their identities.
 *
 *     table<Tile>({ key: 'id', policies: [bounded({ kind: 'lru', max: 500 })] })
 */
export function bounded<T = Record<string, unknown>>(options: BoundedOptions<T>): Steps<T> {
  const { kind, max, size, random, ...rest } = options ?? {}
  const o = new Options('bounded', { kind, max, size, random })
  const how = o.oneOf('kind', kinds)
  const most = o.integer('max')
  const given = o.function<(document: T) => number>('size') ?? (() => 1)
  const chance = o.function<() => number>('random') ?? Math.random
  o.done()
  if (how === undefined) throw o.wrong('kind', `one of ${kinds.join(', ')}`)
  if (most === undefined) throw o.wrong('max', 'a whole number')
  if (how === 'ttl' && rest.ttl === undefined) throw o.wrong('ttl', 'given')
  if (how === 'tlru' && rest.ttu === undefined) throw o.wrong('ttu', 'given')
  const limits = how === 'ttl' || how === 'tlru' ? expiring<T>(rest) : undefined
  if (limits === undefined && Object.keys(rest).length > 0) throw o.wrong(Object.keys(rest)[0]!, 'left out')

  const sizeOf = (document: T): number => {
    const size = given(document)
    if (typeof size !== 'number' || !(size >= 0)) throw new StowageError('invalid_argument', 'bounded: a size is a number, and not below 0')
    return size
  }

  /** What belongs to a table as it was opened. */
  const tables = new WeakMap<object, Uses<T>>()
  const usesOf = (table: Table<T>): Uses<T> => {
    const uses = tables.get(table.made) ?? new Uses<T>(sizeOf)
    tables.set(table.made, uses)
    return uses
  }

  const fits = (document: T) => {
    if (sizeOf(document) > most) throw new StowageError('too_large', `bounded: a document is larger than all there may be, ${most}`)
  }

  return {
    over: overlay,
    ...(limits && { stale: limits.stale!, narrow: limits.narrow! }),
    async created(document, table) {
      await limits?.created!(document, table)
      fits(document)
    },
    async updated(document, before, table) {
      await limits?.updated!(document, before, table)
      fits(document)
    },
    read(document, table) {
      if (limits?.read!(document, table) === null) return null
      usesOf(table).used(document, table)
      return undefined
    },
    reads: () => how !== 'fifo' && how !== 'rr',
    looks: true,
    async settled(table, keys, hooked) {
      if (keys.length === 0) return
      const uses = usesOf(table)
      await uses.stored(table, keys)
      const evicted = uses.over(most, keys, rank(how, chance))
      if (evicted.length > 0) await hooked.deleteMany(evicted)
    },
    kept: table => usesOf(table).kept(),
  }
}

/** Orders uses: those with the least go first, of several those not used for longest. */
function rank(kind: BoundKind, chance: () => number): (use: Use) => number {
  switch (kind) {
    case 'fifo':
      return use => use.stored
    case 'lfu':
      return use => use.count
    case 'mru':
      return use => -use.last
    case 'rr':
      return chance
    default:
      return use => use.last
  }
}
