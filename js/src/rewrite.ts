/*
 * Writes that take more than one operation of the engine. They run together, in a
 * transaction: where others change what they have read, they are run again.
 */
import { packPlain } from './document/document.js'
import { StowageError } from './errors.js'
import { nest, type Transaction } from './environment/transaction.js'
import type { LongCall } from './options.js'
import { lookUp } from './document/path.js'
import type { Change, Hearing, Hearings, Outcome, Statement, StatementOptions } from './query/sql.js'
import type { Scope } from './bridge/scope.js'
import type { Filter, Table, Update } from './table/table.js'
import type { Key } from './document/types.js'

/**
 * Runs a statement that may write to tables that hear of it. What they do about it is done with it, or nothing of either is. Of a
 * document that it has written more than once they hear what came of it.
 */
export async function byStatement(scope: Scope, names: readonly string[], hearings: Hearings, statement: Statement<unknown>, how: StatementOptions): Promise<Outcome> {
  const write = async (scope: Scope): Promise<Outcome> => {
    const hearing = new Map(names.map(name => [name, hearings(name, scope)]))
    for (const table of hearing.values()) await table?.tidied()
    const outcome: Outcome = { rows: [], changed: 0 }
    const written = new Map<string, Map<string, Change>>()
    for (const told of await statement.outcome(scope, how)) {
      if (typeof told === 'number') outcome.changed = told
      else if (Array.isArray(told)) note(written, told as [string, ...Change], hearing.get(told[0]))
      else outcome.rows.push(told)
    }
    for (const [name, changes] of written) await hearing.get(name)!.heard([...changes.values()])
    return outcome
  }
  if (scope.transaction !== 0) return nest(scope as Transaction, write)
  const outcome = await scope.together({ kind: 'write', signal: how.signal }, write)
  for (const name of names) hearings(name, scope)?.kept()
  return outcome
}

/** Adds what became of a document to what is known of it. */
function note(written: Map<string, Map<string, Change>>, [name, before, after]: [string, ...Change], table: Hearing | undefined): void {
  if (table === undefined) return
  const changes = written.get(name) ?? new Map<string, Change>()
  written.set(name, changes)
  const key = keyText(lookUp(before ?? after, table.made.schema.key))
  const [first] = changes.get(key) ?? [before]
  first === null && after === null ? changes.delete(key) : changes.set(key, [first, after])
}

export { identities } from './table/identity.js'

/** What MongoDB's operators of updates are here. Those without a counterpart are left to functions. */
const operators: Record<string, string> = {
  $set: 'op.set', $unset: 'op.delete', $inc: 'op.add', $rename: 'op.rename', $min: 'op.min', $max: 'op.max', $push: 'op.push', $pull: 'op.pull', $pullAll: 'op.pull',
  $mul: 'a function', $pop: 'a function', $addToSet: 'a function', $currentDate: 'a function', $setOnInsert: 'upsert', $bit: 'a function',
}

/** Throws where a member has the name of an operator: what was meant to be done would be stored. */
export function mustBeMember(name: string): void {
  if (Object.hasOwn(operators, name)) throw new StowageError('invalid_argument', `update: for ${name} there is ${operators[name]}`)
}

/** Puts what f makes of them in the place of the documents that a filter selects. */
export function byFunction<T>(table: Table<T>, filter: Filter<T>, f: (document: T) => unknown, call: LongCall): Promise<Key[]> {
  return table.together(call, async table => {
    const path = table.made.schema.key
    const changed: T[] = []
    const keys: Key[] = []
    for (const document of await table.find(filter, { ...(call.signal && { signal: call.signal }) })) {
      const key = lookUp(document, path) as Key
      const known = keyText(key)
      const fresh = ((await f(document)) ?? document) as T
      if (keyText(lookUp(fresh, path)) !== known) throw new StowageError('invalid_document', 'update: the identity cannot change')
      changed.push(fresh)
      keys.push(key)
    }
    await table.putMany(changed as never, call)
    return keys
  })
}

/** Makes changes one after the other: each filter meets what those before have left. */
export function byPairs<T>(table: Table<T>, pairs: readonly (readonly [Update<T>, Filter<T>])[], call: LongCall): Promise<Key[]> {
  return table.together(call, async table => {
    const keys: Key[] = []
    for (const [change, filter] of pairs) keys.push(...(await table.update(filter, change, { ...call, returning: 'ids' })))
    return keys
  })
}

/** Sets the members of a document in those that a filter selects, or inserts it where there are none. */
export function upsert<T>(table: Table<T>, document: Partial<T>, filter: Filter<T> | undefined): Promise<Key[]> {
  const key = lookUp(document, table.made.schema.key) as Key | undefined
  if (filter === undefined && key === undefined) {
    throw new StowageError('invalid_argument', 'upsert: needs a filter, or a document with an identity')
  }
  const one = key === undefined ? filter! : filter === undefined ? table.of([key]) : table.of([key], filter)
  return table.together({}, async table => {
    const keys = await table.update(one, document, { returning: 'ids' })
    return keys.length > 0 ? keys : [await table.insert(document as never)]
  })
}

/** Puts a document in the place of the one with its identity. */
export function replace<T>(table: Table<T>, document: T): Promise<Key> {
  return table.together({}, async table => {
    const key = lookUp(document, table.made.schema.key) as Key
    if (!(await table.contains(key))) throw new StowageError('not_found', 'replace: no document has this identity')
    return table.put(document as never)
  })
}

/** Text that is the same for keys that are. */
function keyText(key: unknown): string {
  return String(packPlain(key))
}
