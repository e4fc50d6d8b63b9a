/*
 * Plain keys. The values are bytes here.
 *
 * The other side is store/structure/value.go.
 */
import { check, encode, invalid, nothing } from './layout.js'
import type { Records } from './records.js'

export async function get(t: Records, key: string): Promise<Uint8Array | undefined> {
  check(key)
  return (await t.holding(key, 'string'))?.value
}

/** Sets a value for so many milliseconds, 0 for ever, or as long as the key would have stayed. */
export async function set(t: Records, key: string, value: Uint8Array, ttl: number | 'keep'): Promise<void> {
  check(key)
  const until = ttl === 'keep' ? ((await t.live(key))?.expires ?? 0) : ttl === 0 ? 0 : t.now + ttl
  await t.discard(key)
  const h = { kind: 'string' as const, expires: 0, value, version: 0, count: 0, levels: 0, salt: nothing }
  if (until !== 0) await t.limit(key, h, until)
  await t.save(key, h)
}

export async function getDel(t: Records, key: string): Promise<Uint8Array | undefined> {
  check(key)
  const h = await t.holding(key, 'string')
  if (h !== undefined) await t.bury(key, h)
  return h?.value
}

export async function incrBy(t: Records, key: string, by: bigint): Promise<bigint> {
  check(key)
  const h = await t.holding(key, 'string')
  const [sum, bytes] = added(h?.value, by)
  await t.save(key, { ...(h ?? (await t.change(key, 'string'))), value: bytes })
  return sum
}

/** The sum of a whole number and one in decimal, 0 where that is missing. */
export function added(to: Uint8Array | undefined, by: bigint): [sum: bigint, bytes: Uint8Array] {
  const text = to === undefined ? '0' : String.fromCharCode(...to.subarray(0, 32))
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text) || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) throw invalid('the value is no whole number of 64 bits')
  const sum = BigInt(text) + by
  if (BigInt.asIntN(64, sum) !== sum) throw invalid('the sum goes beyond 64 bits')
  return [sum, encode(String(sum))]
}
