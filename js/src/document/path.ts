import { StowageError } from '../errors.js'

/**
 * Splits a dotted path into the segments the engine looks up: 'position.lat' →
 * ['position', 'lat']. A segment of digits is a position in a list.
 */
export function splitPath(path: unknown): (string | number)[] {
  if (typeof path !== 'string' || path === '') throw new StowageError('invalid_path', 'a path must be a string with a name in it')
  return path.split('.').map(segment => {
    if (segment === '') throw new StowageError('invalid_path', `the path "${path}" has an empty name in it`)
    return /^(0|[1-9]\d{0,8})$/.test(segment) ? Number(segment) : segment
  })
}

/** Looks a path up in a document; undefined where it leads nowhere. */
export function lookUp(document: unknown, path: readonly (string | number)[]): unknown {
  let value = document
  for (const segment of path) {
    if (value === null || typeof value !== 'object') return undefined
    value = (value as Record<string | number, unknown>)[segment]
  }
  return value
}
