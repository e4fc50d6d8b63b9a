/*
 * Attributes of entities as text: texts stand as they are, numbers in decimal, booleans as 1 and 0, and the rest is JSON. What is undefined or null has
 * none.
 *
 * The other side is store/repository/attribute.go.
 */
import { toBase64 } from '../document/base64.js'
import { StowageError } from '../errors.js'
import { halves } from '../structures/layout.js'

/** What an attribute is: tiers keep text, which does not tell. */
export type AttributeType = 'text' | 'number' | 'boolean' | 'json'

export const attributeTypes: readonly unknown[] = ['text', 'number', 'boolean', 'json'] satisfies AttributeType[]

/** The text of an attribute. Fails with `invalid_document`. */
export function written(name: string, type: AttributeType, value: unknown): string {
  if (type === 'text' && typeof value === 'string' && !halves.test(value)) return value
  if (type === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (type === 'boolean' && typeof value === 'boolean') return value ? '1' : '0'
  if (type === 'json') {
    const text = json(value)
    if (text !== undefined) return text
  }
  throw new StowageError('invalid_document', `repository: attribute "${name}" is no ${type}`)
}

/** The text of a value that tells what it is. Fails with `undecodable`. */
export function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? '1' : '0'
  const text = typeof value === 'bigint' ? String(value) : json(value instanceof Uint8Array ? toBase64(value) : value)
  if (text === undefined || (text === 'null' && value !== null)) throw new StowageError('undecodable', `repository: column "${name}" has no text`)
  return text
}

function json(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined
  } catch {
    return undefined // it leads back to itself, or has a bigint
  }
}

/** An attribute from what `written` has made of it. Fails with `undecodable`. */
export function read(name: string, type: AttributeType, text: string): unknown {
  if (type === 'text') return text
  if (type === 'boolean' && (text === '1' || text === '0')) return text === '1'
  if (type === 'number' || type === 'json') {
    try {
      const value: unknown = JSON.parse(text)
      const exact = !Number.isInteger(value) || Number.isSafeInteger(value) || !/^-?\d+$/.test(text)
      if (type === 'json' || (typeof value === 'number' && exact)) return value
    } catch {
      // It is told below.
    }
  }
  throw new StowageError('undecodable', `repository: attribute "${name}" is no ${type}`)
}
