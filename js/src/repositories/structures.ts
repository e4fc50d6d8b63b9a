/*
 * A tier over the structures of an environment.
 *
 * The other side is store/repository/structures.go.
 */
import type { Structures } from '../structures/structures.js'
import { scored } from './geo.js'
import { met, mustAnswer, mustAsk, mustHave, type Read, type Reply, type Tier, unknown, type Write } from './tier.js'

/** The tier of structures, which closes them. Their environment stays open. */
export function over(structures: Structures): Tier {
  mustHave(structures, 'view')
  return new StructuresTier(structures)
}

class StructuresTier implements Tier {
  private closed = false
  /** The last write under way. The next waits for it: side by side they might conflict. */
  private writing: Promise<unknown> = Promise.resolve()

  constructor(private readonly structures: Structures) {}

  async read(reads: readonly Read[], signal?: AbortSignal): Promise<Reply[]> {
    mustAnswer(this.closed, signal)
    mustAsk(reads)
    return this.structures.view(async t => {
      const replies: Reply[] = []
      for (const read of reads) {
        mustAnswer(this.closed, signal)
        replies.push(await answer(t, read))
      }
      return replies
    })
  }

  async write(writes: readonly Write[], signal?: AbortSignal): Promise<void> {
    mustAnswer(this.closed, signal)
    mustAsk(writes)
    const done = this.writing.then(() => {
      mustAnswer(this.closed, signal)
      return this.structures.transaction(async t => {
        for (const write of writes) await carryOut(t, write)
        mustAnswer(this.closed, signal) // what was given up is not done behind the caller's back
      })
    })
    this.writing = done.catch(() => {})
    await done
  }

  async refresh(signal?: AbortSignal): Promise<void> {
    mustAnswer(this.closed, signal)
    await this.structures.refresh()
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.structures.close()
  }
}

/** Answers one read. */
async function answer(t: Structures, { key, kind, fields, range, search }: Read): Promise<Reply> {
  const ttl = await t.ttl(key)
  const reply: Reply = { found: ttl !== -2, expiry: Math.max(ttl, 0), value: {} }
  if (!reply.found) return reply
  switch (kind) {
    case 'exists':
      return reply
    case 'hash':
      reply.value = { fields: await (fields === undefined ? t.hGetAll(key) : t.hMGet(key, ...fields)) }
      return reply
    case 'sortedSet':
      reply.value = { members: await t.zRangeByScore(key, range), size: await t.zCard(key) }
      return reply
    case 'boolean':
      reply.value = { is: (await t.getBool(key)) === true }
      return reply
    case 'geo':
      reply.value = { places: await t.geoSearch(key, search ?? {}) }
      return reply
    default:
      throw unknown(kind)
  }
}

/** Makes one write. */
async function carryOut(t: Structures, { key, kind, value = {}, merge = false, only, expiry = 0 }: Write): Promise<void> {
  if (only !== undefined && !met(only, (await t.exists(key)) > 0)) return
  if (!merge) await t.del(key)
  switch (kind) {
    case 'none':
      return
    case 'hash':
      await t.hSet(key, value.fields ?? new Map())
      break
    case 'sortedSet':
      await t.zAddWith(key, value.members ?? [])
      break
    case 'boolean':
      await t.setBool(key, value.is === true)
      break
    case 'geo':
      await t.zAddWith(key, scored(value.places)) // of as many as there are, which are more than arguments can be
      break
    default:
      throw unknown(kind)
  }
  await (expiry > 0 ? t.expire(key, Math.max(expiry, 1)) : t.persist(key))
}
