import type { Key } from '../document/types.js'

/** Makes identities for a table, for documents that come without. */
export interface Identities {
  next(): Key
  /** Whether an identity that a document brings is one of this kind. Without it, any is. */
  accepts?(key: Key): boolean
}

/**
 * How a table makes identities: 'uuid' random ones (version 4), 'ulid' ones that sort by the time they were made,
 * 'string' 32 random hexadecimal digits, where any text may be brought instead. Or as one's own object does.
 */
export type IdentityKind = 'uuid' | 'ulid' | 'string' | Identities

const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

const text = (pattern: RegExp) => (key: Key) => typeof key === 'string' && pattern.test(key)

const hexadecimal = (bytes: Uint8Array) => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))

export const identities: Record<Exclude<IdentityKind, Identities>, Identities> = {
  uuid: {
    next() {
      const bytes = random(16)
      bytes[6] = (bytes[6]! & 0x0f) | 0x40
      bytes[8] = (bytes[8]! & 0x3f) | 0x80
      return hexadecimal(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    },
    accepts: text(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
  },
  ulid: { next: ulid, accepts: text(/^[0-7][\dA-HJKMNP-TV-Z]{25}$/) },
  string: { next: () => hexadecimal(random(16)), accepts: text(/^/) },
}

/** What the last ulid was made of: milliseconds, and 16 digits of 5 bits. */
let time = 0
let tail: Uint8Array = new Uint8Array(16)

/** A ulid greater than all that this context has made, whatever its clock does. */
function ulid(): string {
  const now = Date.now()
  if (now > time) {
    time = now
    tail = random(16).map(byte => byte & 31)
    tail[0]! &= 15 // so that there is always a greater one
  } else {
    for (let i = 15; (tail[i] = (tail[i]! + 1) & 31) === 0; i--);
  }
  let head = ''
  for (let rest = time, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) head = digits[rest % 32] + head
  return head + Array.from(tail, digit => digits[digit]).join('')
}
