import { StowageError } from './errors.js'

/** Whether text is stored as it is: with half of a surrogate pair it would be another one. */
export function isWhole(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/** Refuses what is no name of an environment, a store or a table; an environment's is not empty. */
export function mustName(of: string, name: unknown, least = 0): asserts name is string {
  if (typeof name === 'string' && name.length >= least && isWhole(name)) return
  throw new StowageError('invalid_argument', `the name of ${of} must be a string of ${least} characters at least, and whole ones`)
}
