/*
 * Operations on what nested paths lead to. The engine carries them out on the
 * documents as they are stored, in order, wholly or not at all.
 *
 * The other end is the Go package op, which tells what each of them does.
 */
import { packPlain } from '../document/document.js'
import { StowageError } from '../errors.js'
import { splitPath } from '../document/path.js'
import type { Requirement } from './where.js'

/** One operation, as `op` makes it. Immutable; it can be used again. */
export class Operation<out R extends Requirement = Requirement> {
  /** Only for the compiler: what documents must have for this operation to make sense. */
  declare readonly requires: R

  /** @internal */
  constructor(readonly ast: readonly [name: string, path: (string | number)[], ...operands: unknown[]]) {}
}

const make = (name: string) => (path: string, ...operands: unknown[]) => new Operation<never>([name, splitPath(path), ...operands])

/**
 * Operations, for `update`. A path that leads to nothing is `invalid_document`, except for
 * those that put something there, with the objects that are missing on the way: set, insert, push,
 * merge, min and max. A position is one of an element, or the one behind the last.
 *
 *     await db.cities.update(1, op.increment('visits'))
 *     await db.cities.update({ country: 'NO' }, [op.push('tags', 'nordic'), op.delete('position.alt')])
 */
export const op = {
  /** Puts a value there. */
  set: make('set') as <const P extends string, const V>(path: P, value: V) => Operation<[P, V]>,
  /** Takes a member out, or an element: those behind it move up. */
  delete: make('delete') as <const P extends string>(path: P) => Operation<[P, never]>,
  /** Puts a value into a list, at the position that the path ends with: the elements from there on move down. */
  insert: make('insert') as <const P extends string, const V>(path: P, value: V) => Operation<[P, V]>,
  /** Adds a number to a number, or puts a string or a list behind one. */
  add: make('add') as <const P extends string, V extends number | bigint | string | readonly unknown[]>(path: P, value: V) => Operation<[P, Added<V>]>,
  /** Takes a number from a number. */
  subtract: make('subtract') as <const P extends string>(path: P, value: number | bigint) => Operation<[P, { number: true }]>,
  /** Adds 1. */
  increment: make('increment') as <const P extends string>(path: P) => Operation<[P, { number: true }]>,
  /** Subtracts 1. */
  decrement: make('decrement') as <const P extends string>(path: P) => Operation<[P, { number: true }]>,
  /** Puts values at the end of a list. */
  push: make('push') as <const P extends string, const V>(path: P, ...values: V[]) => Operation<[P, { element: V }]>,
  /** Takes all elements that equal one of the values out of a list. */
  pull: make('pull') as <const P extends string, const V>(path: P, ...values: V[]) => Operation<[P, { element: V }]>,
  /** Sets members of an object; undefined takes one out. */
  merge: make('merge') as <const P extends string, const V extends object>(path: P, members: V) => Operation<[P, { members: V }]>,
  /** Gives a member another name in the same object, in place of what has that name. */
  rename: make('rename') as <const P extends string>(path: P, name: string) => Operation<[P, never]>,
  /** Sets the value where it is less than what is there, or nothing is. */
  min: make('min') as <const P extends string, const V>(path: P, value: V) => Operation<[P, V]>,
  /** Sets the value where it is greater than what is there, or nothing is. */
  max: make('max') as <const P extends string, const V>(path: P, value: V) => Operation<[P, V]>,
}

/** What the value at a path must be for V to be added to it. */
export type Added<V> = V extends number | bigint ? { number: true } : V extends readonly (infer E)[] ? { element: E } : { text: true }

/** Packs operations as the engine reads them. */
export function packOperations(operations: readonly unknown[]): Uint8Array {
  return packPlain(
    operations.map(o => {
      if (o instanceof Operation) return o.ast
      throw new StowageError('invalid_argument', 'update takes members to be set, operations, or a function')
    }),
  )
}
