/*
 * Files that `stowage origin export` has written: chunks that never change, and a manifest that lists them and is replaced when
 * there are more. Go programs have the same in sync/staticexport.go.
 */
import { StowageError } from '../errors.js'
import { parse } from './electric.js'
import { type Chunk, MustRefetch, readMessages, strange } from './message.js'
import { Unanswered } from './request.js'
import type { Position, ShapeSpec } from './shape.js'
import { type Asking, type Source, Stale } from './source.js'
import type { Columns } from './value.js'

interface Manifest {
  /** Grows from export to export. */
  position: string
  shapes: Exported[]
}

interface Exported {
  table: string
  handle: string
  /** After the last chunk. */
  offset: string
  schema: Columns
  rows: number
  checksum: string
  chunks: { file: string; from: string; to: string }[]
}

/** Static files at a URL, of which `manifest.json` is one. A shape is a whole table. */
export function staticExport(url: string): Source {
  const base = url.endsWith('/') ? url : `${url}/`
  /** The one by which a pull goes on: all of it is of one export. */
  let manifest: Manifest | undefined

  async function readManifest({ requests, buster, signal }: Asking, seen: string): Promise<Manifest> {
    const { text } = await requests.send({ url: `${base}manifest.json${buster === undefined ? '' : `?${buster}`}`, signal })
    const read = parse(text) as Manifest
    if (typeof read?.position !== 'string' || !Array.isArray(read.shapes)) throw strange('no manifest')
    if (later(seen, read.position)) throw new Stale('a manifest that is older than one before')
    return read
  }

  return {
    live: false,
    async next(shape, at, asking) {
      check(shape)
      // At its beginning or its end, there may be another export by now.
      if (manifest === undefined || chunkAfter(manifest, shape, at) === undefined || at.offset === '') manifest = await readManifest(asking, at.etag)
      const exported = find(manifest, shape)
      if (exported === undefined) throw new StowageError('not_found', `the export has no table "${shape.table}"`)
      if (at.offset !== '' && at.handle !== exported.handle) throw new MustRefetch(exported.handle)
      const chunk = chunkAfter(manifest, shape, at)
      if (chunk === undefined && at.offset !== '' && at.offset !== exported.offset) throw new MustRefetch(exported.handle)
      const last = chunk === undefined || chunk === exported.chunks.at(-1)
      const { position } = manifest
      try {
        const answer = chunk === undefined ? { text: '[]', bytes: 0 } : await asking.requests.send({ url: base + chunk.file, signal: asking.signal })
        const { changes } = readMessages(parse(answer.text), exported.schema, true)
        return {
          handle: exported.handle, offset: last ? exported.offset : chunk.to, columns: exported.schema, changes, bytes: answer.bytes,
          upToDate: last, rows: exported.rows, checksum: last ? exported.checksum : undefined, etag: position,
        } satisfies Chunk
      } catch (error) {
        if (!(error instanceof Unanswered) || error.status !== 404) throw error
        manifest = undefined
        throw new Stale('a manifest whose files are gone')
      }
    },
  }
}

function check({ columns, where }: ShapeSpec): void {
  if (columns !== undefined || where !== undefined) throw new StowageError('unsupported', 'static files are of whole tables')
}

/** A table is asked for with or without its schema. */
function find({ shapes }: Manifest, { table }: ShapeSpec): Exported | undefined {
  return shapes.find(shape => shape.table === table) ?? shapes.find(shape => shape.table.split('.').at(-1) === table.split('.').at(-1))
}

function chunkAfter(manifest: Manifest, shape: ShapeSpec, { handle, offset }: Position): Exported['chunks'][number] | undefined {
  const exported = find(manifest, shape)
  if (offset === '') return exported?.chunks[0]
  return exported?.handle === handle ? exported.chunks.find(({ from }) => from === offset) : undefined
}

/** Whether a position is greater than another; both are whole numbers, too long for one. */
const later = (a: string, b: string) => a.length > b.length || (a.length === b.length && a > b)
