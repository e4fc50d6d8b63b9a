/*
 * Keys of tiers: the name of the repository and the parts of the entity's key, joined by colons. A colon in one of them is written %3A, and a % %25.
 *
 * The other side is store/repository/key.go.
 */
import { StowageError } from '../errors.js'
import { halves } from '../structures/layout.js'

/** One part of a key: text that is not empty and of whole characters, or a whole number, which is the same key as its digits. */
export type Part = string | number | bigint

/** The key of an entity: one part, or several. */
export type Key = Part | readonly Part[]

const escape = (text: string) => text.replace(/[%:]/g, c => (c === ':' ? '%3A' : '%25'))

/** Makes the keys of one repository, which all have equally many parts. */
export class Keys {
  readonly prefix: string

  constructor(
    name: string,
    private readonly parts: number,
  ) {
    this.prefix = `${escape(name)}:`
  }

  /** The key of a tier. `invalid_key` where a part is missing. */
  text(key: Key): string {
    const parts: readonly unknown[] = Array.isArray(key) ? key : [key]
    if (parts.length !== this.parts) throw new StowageError('invalid_key', `repository: a key has ${this.parts} parts`)
    return this.prefix + parts.map(part => escape(partOf(part))).join(':')
  }
}

/** The name of a repository and the parts of which the key of a tier is made. */
export const parted = (text: string): string[] => text.split(':').map(part => part.replace(/%3A|%25/g, c => (c === '%3A' ? ':' : '%')))

function partOf(part: unknown): string {
  const fine = typeof part === 'string' ? part !== '' && !halves.test(part) : typeof part === 'bigint' || Number.isSafeInteger(part)
  if (!fine) throw new StowageError('invalid_key', 'repository: a part of the key is missing, or neither text nor a whole number')
  return String(Object.is(part, -0) ? 0 : part)
}
