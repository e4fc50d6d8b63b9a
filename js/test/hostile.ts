import assert from 'node:assert/strict'

import { StowageError } from 'stowage'

/** What is given where something else belongs. */
export const hostile: unknown[] = [
  undefined, null, NaN, Infinity, -1, 0.5, 7, 7n, 2n ** 64n, true, '', 'text', '7', '\ud83d', Symbol('symbol'), {}, { length: 1 }, [], [null], ['text'], () => 'text',
  new Date(NaN), new Date(0), new Map(), new Map([[7, 'text']]), new Map([['text', 7]]), Uint8Array.of(1), Object.create(null), Promise.resolve('text'),
]

/** What comes of a call: 'taken', or the code of what it rejects with. It must not throw, nor reject with anything else. */
export async function outcome(of: object, name: string, given: readonly unknown[]): Promise<string> {
  const promise = (of as Record<string, (...given: readonly unknown[]) => Promise<unknown>>)[name]!(...given)
  return promise.then(() => 'taken', (error: unknown) => {
    assert.ok(error instanceof StowageError, String(error))
    return error.code
  })
}
