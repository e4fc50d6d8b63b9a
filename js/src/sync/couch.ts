/*
 * Databases of CouchDB, or of what speaks its protocol, by their `_changes`: documents with their `_id` as identity. Go programs
 * have the same in sync/couch.go.
 */
import { StowageError } from '../errors.js'
import { parse } from './electric.js'
import { type Change, MustRefetch, strange } from './message.js'
import { liveTimeout } from './request.js'
import type { Position } from './shape.js'
import type { Asking, Source } from './source.js'
import type { Columns, Row } from './value.js'

/** Changes are asked for so many at a time, and waited for this long, in milliseconds. */
const limit = 1000
const patience = 20_000

const columns: Columns = { _id: { type: 'text', pk_index: 0 } }

interface Changes {
  results?: { id: string; deleted?: boolean; doc?: Row }[]
  last_seq?: string | number
}

/** A server at a URL, whose databases are the tables of shapes. Documents that design it are left out. */
export function couch(url: string): Source {
  const base = url.endsWith('/') ? url : `${url}/`

  /** Tells a database from another one that has come in its place. */
  async function identify(table: string, { requests, signal }: Asking): Promise<string> {
    const { text } = await requests.send({ url: base + encodeURIComponent(table), signal })
    const { uuid, instance_start_time: started } = parse(text) as { uuid?: string; instance_start_time?: string }
    return String(uuid ?? started ?? table)
  }

  return {
    live: true,
    async next({ table, columns: only, where }, at, asking) {
      if (only !== undefined || where !== undefined) throw new StowageError('unsupported', 'databases of CouchDB come as a whole')
      const handle = asking.live || !begins(at) ? at.handle : await identify(table, asking)
      if (at.offset !== '' && handle !== at.handle) throw new MustRefetch(handle)
      const since = at.offset === '' ? '0' : at.offset
      const query = new URLSearchParams({ include_docs: 'true', limit: String(limit), since, ...(asking.live && { feed: 'longpoll', timeout: String(patience) }) })
      const { text, bytes } = await asking.requests.send({
        url: `${base}${encodeURIComponent(table)}/_changes?${query}`, signal: asking.signal, ...(asking.live && { timeout: liveTimeout }),
      })
      const { results, last_seq: last } = parse(text) as Changes
      if (!Array.isArray(results) || last === undefined) throw strange('no changes')
      const changes = results.flatMap(read)
      return { handle, offset: String(last), columns, changes, bytes, upToDate: results.length < limit }
    },
  }
}

/** Whether a pull begins there, or goes on after it was all there was: then it may be another database by now. */
const begins = ({ offset, complete, staging }: Position) => offset === '' || (complete && staging === '')

function read({ id, deleted, doc }: { id: string; deleted?: boolean; doc?: Row }): Change[] {
  if (id.startsWith('_design/')) return []
  if (deleted !== true && doc === undefined) throw strange('a change without its document')
  return [{ key: id, row: deleted === true ? undefined : doc, added: false, partial: false, hash: 0n, exact: false }]
}
