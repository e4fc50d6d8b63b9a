/*
 * A marker stands in the fast tier for an entity that the fallback does not have. It is a boolean under the key "name:not-found:parts", where that of the
 * entity is "name:parts": no two keys of a repository meet, for all have equally many parts.
 *
 * The other side is store/repository/marker.go.
 */
import type { Write } from './tier.js'

export class Markers {
  /** Of keys that begin with a prefix; markers stay so many milliseconds, 0 for ever. */
  constructor(
    private readonly prefix: string,
    private readonly expire: number,
  ) {}

  /** The key of the marker for an entity's key. */
  of(key: string): string {
    return `${this.prefix}not-found:${key.slice(this.prefix.length)}`
  }

  /** Sets the marker of a key. */
  mark(key: string): Write {
    return { key: this.of(key), kind: 'boolean', value: { is: true }, expiry: this.expire }
  }

  /** Removes it. */
  unmark(key: string): Write {
    return { key: this.of(key), kind: 'none' }
  }
}
