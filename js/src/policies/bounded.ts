import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import { lookUp } from '../path.js'
import type { Table } from '../table.js'
import type { Key } from '../types.js'
import { packPlain } from '../document.js'
import { expiring, type ExpiringOptions } from './expiring.js'
import { overlay, type Steps } from './overlay.js'

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

interface Use {
  key: Key
  size: number
  /** When it was stored, used last, and how often: counted in uses of the table. */
  stored: number
  last: number
  count: number
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
  const sizeOf = o.function<(document: T) => number>('size') ?? (() => 1)
  const chance = o.function<() => number>('random') ?? Math.random
  o.done()
  if (how === undefined) throw o.wrong('kind', `one of ${kinds.join(', ')}`)
  if (most === undefined) throw o.wrong('max', 'a whole number')
  if (how === 'ttl' && rest.ttl === undefined) throw o.wrong('ttl', 'given')
  if (how === 'tlru' && rest.ttu === undefined) throw o.wrong('ttu', 'given')
  const limits = how === 'ttl' || how === 'tlru' ? expiring<T>(rest) : undefined
  if (limits === undefined && Object.keys(rest).length > 0) throw o.wrong(Object.keys(rest)[0]!, 'left out')

  const uses = new Map<string, Use>()
  let clock = 0
  /** A transaction has changed what is remembered, and is not known to have been committed. */
  let unsure = false

  const fits = (document: T) => {
    if (!(sizeOf(document) <= most)) throw new StowageError('too_large', `bounded: a document is larger than all there may be, ${most}`)
  }

  /** Those that go first come first. */
  const order = (): Use[] => {
    const by = (rank: (use: Use) => number) => [...uses.values()].sort((a, b) => rank(a) - rank(b) || a.last - b.last)
    switch (how) {
      case 'fifo':
        return by(use => use.stored)
      case 'lfu':
        return by(use => use.count)
      case 'mru':
        return by(use => -use.last)
      case 'rr': {
        const drawn = new Map([...uses.values()].map(use => [use, chance()]))
        return by(use => drawn.get(use)!)
      }
      default:
        return by(use => use.last)
    }
  }

  const meet = (key: Key, document: T) => {
    const name = text(key)
    const known = uses.get(name)
    uses.set(name, known ? { ...known, size: sizeOf(document) } : { key, size: sizeOf(document), stored: 0, last: 0, count: 0 })
  }

  /** Others may have stored some, or a transaction that did have come to nothing. */
  const meetAll = async (table: Table<T>) => {
    const gone = new Set(uses.keys())
    for await (const document of table.find()) {
      const key = lookUp(document, keyOf(table)) as Key
      gone.delete(text(key))
      meet(key, document)
    }
    for (const name of gone) uses.delete(name)
  }

  /** Remembers that documents were stored. */
  const store = async (table: Table<T>, keys: readonly Key[]) => {
    const documents = await table.getMany(keys)
    const known = new Set(uses.keys())
    keys.forEach((key, i) => meet(key, documents[i]!))
    if (unsure || (await table.count()) !== uses.size) await meetAll(table)
    unsure = true
    for (const key of keys) {
      const use = uses.get(text(key))!
      use.last = ++clock
      use.count++
      if (!known.has(text(key))) use.stored = clock
    }
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
      const use = uses.get(text(lookUp(document, keyOf(table))))
      if (use !== undefined) Object.assign(use, { last: ++clock, count: use.count + 1 })
      return undefined
    },
    reads: () => how !== 'fifo' && how !== 'rr',
    looks: true,
    kept() {
      unsure = false
    },
    async settled(table, keys, hooked) {
      if (keys.length === 0) return
      await store(table, keys)
      let total = 0
      for (const use of uses.values()) total += use.size
      if (total <= most) return
      const fresh = new Set(keys.map(text))
      const victims = [...order().filter(({ key }) => !fresh.has(text(key))), ...keys.map(key => uses.get(text(key))!)]
      const evicted: Key[] = []
      for (const use of victims) {
        if (total <= most) break
        total -= use.size
        evicted.push(use.key)
        uses.delete(text(use.key))
      }
      if (evicted.length > 0) await hooked.deleteMany(evicted)
    },
  }
}

const text = (key: unknown): string => String(packPlain(key))

function keyOf<T>(table: Table<T>): (string | number)[] {
  return table.made.schema.key
}
