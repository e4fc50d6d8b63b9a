/*
 * The Shapes protocol of ElectricSQL, as sync/PROTOCOL.md describes it, and as the origin of Stowage speaks it. Go programs
 * have the same in sync/electric.go.
 */
import { StowageError } from '../errors.js'
import { type Chunk, MustRefetch, readMessages, strange } from './message.js'
import { type Answer, liveTimeout } from './request.js'
import type { Position, ShapeSpec } from './shape.js'
import { type Asking, type Source, Stale } from './source.js'
import { type Column, type Columns, readText } from './value.js'

/** Shapes at a URL that ends in /v1/shape. */
export function electric(origin: string): Source {
  return {
    live: true,
    async next(shape, at, asking) {
      const { live, requests, signal } = asking
      const url = address(origin, shape, at, asking)
      const answer = await requests.send({ url, signal, ...(live && { timeout: liveTimeout }) })
      return read(answer, at)
    },
    async query({ sql, params, etag }, { requests, signal }) {
      const body = `{"sql":${JSON.stringify(sql)},"params":[${params.map(writeParameter).join(',')}]}`
      const url = origin.replace(/\/shape(?=\?|$)/, '/query')
      const { status, headers, text, bytes } = await requests.send({ url, body, signal, ...(etag !== undefined && { headers: { 'if-none-match': etag } }) })
      if (status === 304 && etag !== undefined) return undefined
      const { columns, rows } = parse(text) as { columns?: (Column & { name: string })[]; rows?: (string | null)[][] }
      if (!Array.isArray(columns) || !Array.isArray(rows)) throw strange('no rows')
      return { columns: columns.map(({ name }) => name), rows: rows.map(texts => columns.map((column, i) => readText(texts[i]!, column))), etag: headers.get('etag') ?? undefined, bytes }
    },
  }
}

/** A parameter in JSON, which has digits for a bigint as well. */
function writeParameter(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'bigint' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  throw new StowageError('invalid_argument', 'the parameter of a statement is a text, a number, true, false or null')
}

/** The URL of what follows a position: the same for all who ask for it, so that caches can answer. */
function address(origin: string, { table, columns, where, params }: ShapeSpec, at: Position, { live, cursor, buster }: Asking): string {
  const query = new URLSearchParams({ table })
  if (columns !== undefined) query.set('columns', columns.map(name => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)).join(','))
  if (where !== undefined) query.set('where', where)
  params?.forEach((text, i) => query.set(`params[${i + 1}]`, text))
  query.set('offset', at.offset === '' ? '-1' : at.offset)
  if (at.offset !== '') query.set('handle', at.handle)
  if (live) query.set('live', 'true')
  if (live && cursor !== undefined) query.set('cursor', cursor)
  if (buster !== undefined) query.set('cache-buster', buster)
  query.sort()
  return `${origin}${origin.includes('?') ? '&' : '?'}${query}`
}

function read({ status, headers, text, bytes }: Answer, at: Position): Chunk {
  const handle = headers.get('electric-handle')
  if (status === 409) throw new MustRefetch(handle ?? undefined)
  if (status === 304) throw new Stale('an answer to a question that was not asked')
  const offset = headers.get('electric-offset')
  if (handle === null || offset === null) throw strange('no handle or no offset; is the header exposed to scripts?')
  if (at.expired.includes(handle) || (at.offset !== '' && handle !== at.handle)) throw new Stale('an answer of another handle')
  const columns = readSchema(headers.get('electric-schema')) ?? at.schema
  const rows = headers.get('x-shape-rows')
  const body = text === '' ? [] : parse(text)
  const { changes, upToDate } = readMessages(body, columns, rows !== null)
  return {
    handle, offset, columns, changes, bytes,
    upToDate: upToDate || status === 204 || headers.has('electric-up-to-date'),
    cursor: headers.get('electric-cursor') ?? undefined,
    rows: rows === null ? undefined : Number(rows),
    checksum: headers.get('x-shape-checksum') ?? undefined,
    etag: headers.get('etag') ?? undefined,
  }
}

function readSchema(text: string | null): Columns | undefined {
  return text === null ? undefined : (parse(text) as Columns)
}

/** Reads JSON; a part of it is no answer. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw strange('something that is no JSON', cause)
  }
}
