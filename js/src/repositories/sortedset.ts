/*
 * Sorted sets: entities whose members have scores. Members that are added join those that there are; where nothing is within what a query asks for it is
 * as if there were no entity.
 *
 * The other side is store/repository/sortedset.go.
 */
import type { Z } from '../structures/sortedset.js'
import { type Form, type Given, invalidEntity, invalidQuery, only } from './form.js'
import type { Key } from './key.js'
import type { QueryOptions } from './query.js'
import { type KeyedConfig, keyed, type Repository } from './repository.js'
import type { Range, Read, Value } from './tier.js'

/** An entity whose members have scores. */
export interface SortedSet {
  id: Key
  /** Those that were asked for, by score, then by their bytes. */
  members: readonly Z[]
  /** How many there are, whatever was asked for; it is only read. */
  size?: number
}

/** What is asked of a sorted set. */
export interface SortedSetOptions extends QueryOptions {
  /** From the greatest score. */
  reverse?: boolean
  /** Which page of what is within the scores, 1 being the first; with `pageSize`. */
  page?: number
  pageSize?: number
  minScore?: number
  maxScore?: number
}

export type SortedSetRepository = Repository<SortedSet, SortedSetOptions>

/**
 * Makes a repository of sorted sets.
 *
 *     const ladders = sortedSet({ name: 'ladder', fast, fallback })
 *     await ladders.add({ id: 'chess', members: [{ member: 'Ada', score: 2810 }] })
 *     const top = await ladders.query('chess', { reverse: true, page: 1, pageSize: 10 }).entity()
 */
export function sortedSet(config: KeyedConfig): SortedSetRepository {
  return keyed('sortedSet', config, new SortedSets())
}

export function isScored(z: Z | undefined): boolean {
  return typeof z?.member === 'string' && z.member !== '' && typeof z.score === 'number' && !Number.isNaN(z.score)
}

class SortedSets implements Form<SortedSet> {
  readonly kind = 'sortedSet'
  readonly merges = true

  key(entity: SortedSet): Key {
    return entity.id
  }

  encode({ members }: SortedSet): Value {
    if (!Array.isArray(members) || members.length === 0 || !members.every(isScored)) throw invalidEntity('no members, or one without a name or a score')
    return { members: members.map(({ member, score }) => ({ member, score })) }
  }

  ask(options: Given): { read: Omit<Read, 'key'>; partial: boolean } {
    const { reverse = false, page, pageSize, minScore, maxScore } = only<SortedSetOptions>(options, 'reverse', 'page', 'pageSize', 'minScore', 'maxScore')
    if (typeof reverse !== 'boolean') throw invalidQuery('reverse is true or false')
    const range: Range = { reverse }
    if (page !== undefined || pageSize !== undefined) {
      const [number, count] = [page, pageSize].map(n => (Number.isSafeInteger(n) ? (n as number) : 0)) as [number, number]
      const offset = (number - 1) * count
      if (number < 1 || count < 1 || !Number.isSafeInteger(offset)) throw invalidQuery('a page has a number and a size, from 1')
      Object.assign(range, { offset, count })
    }
    for (const [name, score] of [['min', minScore], ['max', maxScore]] as const) {
      if (score === undefined) continue
      if (typeof score !== 'number' || Number.isNaN(score)) throw invalidQuery('a score is a number')
      range[name] = score
    }
    return { read: { kind: 'sortedSet', range }, partial: Object.keys(range).length > 1 }
  }

  decode(id: Key, { members = [], size = 0 }: Value): SortedSet | undefined {
    return members.length === 0 ? undefined : { id, members, size }
  }
}
