/*
 * Hashes: fields with values. The values are bytes here.
 *
 * The other side is store/structure/hash.go.
 */
import { check, common, decode, invalid, memberKey, Tag } from './layout.js'
import type { Records } from './records.js'
import { added } from './value.js'

export async function hSet(t: Records, key: string, pairs: readonly (readonly [string, Uint8Array])[]): Promise<number> {
  if (pairs.length === 0) throw invalid('no field to set')
  check(key, pairs.map(([field]) => field))
  const h = await t.change(key, 'hash')
  const before = h.count
  for (const [field, value] of pairs) {
    if ((await t.store.replace(memberKey(h, key, field), value)) === undefined) h.count++
  }
  if (h.count > before) await t.save(key, h)
  return h.count - before
}

/** The values of those of the fields that there are. */
export async function hMGet(t: Records, key: string, fields: readonly string[]): Promise<Map<string, Uint8Array>> {
  check(key, fields)
  const h = await t.holding(key, 'hash')
  if (h === undefined) return new Map()
  const values = [...(await t.store.getMulti(fields.map(field => memberKey(h, key, field)))).values()]
  return new Map(fields.flatMap((field, i) => (values[i] === undefined ? [] : [[field, values[i]!]])))
}

export async function hGetAll(t: Records, key: string): Promise<Map<string, Uint8Array>> {
  check(key)
  const h = await t.holding(key, 'hash')
  if (h === undefined) return new Map()
  const of = common(h, Tag.Member, key)
  return new Map((await t.store.range({ prefix: of })).map(([stored, value]) => [decode(stored.subarray(of.length)), value]))
}

export async function hLen(t: Records, key: string): Promise<number> {
  check(key)
  return (await t.holding(key, 'hash'))?.count ?? 0
}

export async function hIncrBy(t: Records, key: string, field: string, by: bigint): Promise<bigint> {
  const [sum, bytes] = added((await hMGet(t, key, [field])).get(field), by)
  await hSet(t, key, [[field, bytes]])
  return sum
}
