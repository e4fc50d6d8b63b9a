import assert from 'node:assert/strict'

import { hashed, hashTexts, writeSum } from '../src/sync/checksum.js'
import { type Columns, type Texts, writeText } from '../src/sync/value.js'

/** A row as a test writes it. */
type Values = Record<string, unknown>

interface Message {
  key?: string
  value?: Texts
  headers: Record<string, unknown>
}

/** A table of an origin, with the log of what became of it. */
class Source {
  rows = new Map<string, Texts>()
  log: { lsn: number; message: Message }[] = []
  handle: string
  /** What there was when the handle was given. */
  snapshot: Texts[] = []
  start: number

  constructor(
    readonly name: string,
    readonly columns: Columns,
    readonly keys: string[],
    generation: number,
    lsn: number,
  ) {
    this.handle = `${name}-${generation}`
    this.start = lsn
  }

  key(row: Texts): string {
    return `"main"."${this.name}"/${this.keys.map(name => `"${row[name]}"`).join('/')}`
  }

  message(operation: string, row: Texts, lsn: number): Message {
    const value = operation === 'delete' ? Object.fromEntries(this.keys.map(name => [name, row[name]!])) : row
    return { key: this.key(row), value, headers: { operation, relation: ['main', this.name], lsn: String(lsn) } }
  }

  checksum(): string {
    const names = hashed(this.columns)
    let sum = 0n
    for (const row of this.rows.values()) sum += hashTexts(row, names)
    return writeSum(sum)
  }
}

/**
 * An origin in memory that speaks what sync/PROTOCOL.md says. Its `fetch` takes the place of the context's own. What is
 * asked of it stands in `asked`; `before` may answer in its place or spoil an answer.
 */
export class Origin {
  readonly sources = new Map<string, Source>()
  /** The paths and queries that were asked for, and statements. */
  asked: string[] = []
  /** So many rows or operations are in a chunk. */
  chunkRows = 1000
  /** How long a live request waits, in milliseconds. */
  patience = 20_000
  token: string | undefined
  /** With false there is no network. */
  reachable = true
  /** Answers in its place, or takes what it answers and makes something else of it. */
  through: (url: URL, answer: () => Promise<Response>, signal: AbortSignal | null | undefined) => Promise<Response> = (_url, answer) => answer()
  private lsn = 100
  private generations = 0
  private waiting: (() => void)[] = []

  table(name: string, columns: Record<string, string>, keys: string[], rows: readonly Values[] = []): void {
    const described = Object.fromEntries(Object.entries(columns).map(([column, type]) => [column, { type, dims: 0, ...(keys.includes(column) && { pk_index: keys.indexOf(column) }) }]))
    const source = new Source(name, described, keys, ++this.generations, this.lsn)
    this.sources.set(name, source)
    for (const row of rows) this.place(source, row)
    source.snapshot = [...source.rows.values()]
  }

  /** Inserts or changes rows, and deletes others, all at once. */
  write(name: string, rows: readonly Values[], gone: readonly Values[] = []): void {
    const source = this.source(name)
    this.lsn++
    for (const row of rows) {
      const known = source.rows.has(source.key(this.texts(source, row)))
      const texts = this.place(source, row)
      source.log.push({ lsn: this.lsn, message: source.message(known ? 'update' : 'insert', texts, this.lsn) })
    }
    for (const row of gone) {
      const texts = this.texts(source, row)
      if (source.rows.delete(source.key(texts))) source.log.push({ lsn: this.lsn, message: source.message('delete', texts, this.lsn) })
    }
    for (const wake of this.waiting.splice(0)) wake()
  }

  /** Gives a table another handle: clients must refetch. */
  rotate(name: string): void {
    const source = this.source(name)
    source.handle = `${name}-${++this.generations}`
    source.start = this.lsn
    source.log = []
    source.snapshot = [...source.rows.values()]
    for (const wake of this.waiting.splice(0)) wake()
  }

  /** All rows of a table, by key. */
  rows(name: string): Texts[] {
    return [...this.source(name).rows.values()]
  }

  /** The checksum of a table. */
  checksum(name: string): string {
    return this.source(name).checksum()
  }

  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const url = new URL(String(input), 'http://origin')
    this.asked.push(init?.method === 'POST' ? String((JSON.parse(String(init.body)) as { sql: string }).sql) : `${url.pathname}${url.search}`)
    const { signal } = init ?? {}
    if (!this.reachable) throw new TypeError('no network')
    return this.through(url, () => this.answer(url, init), signal)
  }

  /** How often it was asked since the last time. */
  count(): number {
    return this.asked.splice(0).length
  }

  private async answer(url: URL, init: RequestInit | undefined): Promise<Response> {
    if (init?.signal?.aborted) throw new DOMException('aborted', 'AbortError')
    if (this.token !== undefined && new Headers(init?.headers).get('authorization') !== `Bearer ${this.token}`) return Response.json({ code: 'denied' }, { status: 401 })
    if (url.pathname.endsWith('/query')) return this.query(String(init?.body), new Headers(init?.headers).get('if-none-match'))
    const source = this.sources.get(url.searchParams.get('table') ?? '')
    if (source === undefined) return Response.json({ code: 'not_found' }, { status: 404 })
    if (url.searchParams.get('live') !== 'true') return this.chunk(source, url)
    const until = Date.now() + this.patience
    while (Date.now() < until && source.handle === url.searchParams.get('handle') && Number(url.searchParams.get('offset')!.split('_')[0]) >= this.lastOf(source)) {
      await this.change(until - Date.now(), init?.signal)
    }
    return this.chunk(source, url)
  }

  private lastOf(source: Source): number {
    return source.log.at(-1)?.lsn ?? 0
  }

  private change(milliseconds: number, signal: AbortSignal | null | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, milliseconds)
      const wake = () => {
        clearTimeout(timer)
        resolve()
      }
      this.waiting.push(wake)
      signal?.addEventListener('abort', () => {
        clearTimeout(timer)
        reject(new DOMException('aborted', 'AbortError'))
      })
    })
  }

  /** The messages after an offset: of the snapshot `0_n`, then of the log `lsn_n`, where n counts. */
  private chunk(source: Source, url: URL): Response {
    const asked = url.searchParams.get('offset')!
    const handle = url.searchParams.get('handle')
    if (asked !== '-1' && handle !== source.handle) {
      return Response.json([{ headers: { control: 'must-refetch' } }], { status: 409, headers: { 'electric-handle': source.handle } })
    }
    const [tx, op] = asked === '-1' ? [0, 0] : asked.split('_').map(Number)
    if (tx === 0) {
      const rows = source.snapshot.slice(op, op! + this.chunkRows)
      const end = op! + rows.length >= source.snapshot.length
      return this.send(source, rows.map(row => source.message('insert', row, 0)), end ? `${source.start}_0` : `0_${op! + rows.length}`, false, url)
    }
    const after = source.log.map((entry, i) => ({ ...entry, op: i + 1 })).filter(entry => entry.lsn > tx! || (entry.lsn === tx && op !== 0 && entry.op > op!))
    const part = after.slice(0, this.chunkRows)
    if (part.length < after.length) return this.send(source, part.map(({ message }) => message), `${part.at(-1)!.lsn}_${part.at(-1)!.op}`, false, url)
    const messages = [...part.map(({ message }) => message), { headers: { control: 'up-to-date' } }]
    return this.send(source, messages, `${this.lsn}_0`, true, url)
  }

  private send(source: Source, messages: Message[], offset: string, upToDate: boolean, url: URL): Response {
    return Response.json(messages, {
      headers: {
        'electric-handle': source.handle,
        'electric-offset': offset,
        'electric-schema': JSON.stringify(source.columns),
        'x-shape-rows': String(source.rows.size),
        etag: `"${source.handle}:${url.searchParams.get('offset')}:${offset}"`,
        ...(upToDate && { 'electric-up-to-date': 'true', 'x-shape-checksum': source.checksum() }),
        ...(url.searchParams.get('live') === 'true' && { 'electric-cursor': String(this.lsn) }),
      },
    })
  }

  /** Answers what a view asks; with a 304 where nothing was written since the answer that bore the etag. */
  private query(body: string, known: string | null): Response {
    const { sql, params } = JSON.parse(body) as { sql: string; params: unknown[] }
    const etag = `"${this.lsn} ${hashTexts({ body }, ['body'])}"`
    if (known === etag) return new Response(null, { status: 304, headers: { etag } })
    if (sql.startsWith('with')) return Response.json({ code: 'invalid_query' }, { status: 400 })
    const { source, columns, rows } = this.select(sql, params)
    return Response.json({ lsn: String(this.lsn), columns: columns.map(column => ({ name: column, ...source.columns[column]! })), rows: rows.map(row => columns.map(column => row[column])) }, { headers: { etag } })
  }

  /** The rows of one table that meet a condition. */
  private select(sql: string, params: unknown[]): { source: Source; columns: string[]; rows: Texts[] } {
    const [, list, name, condition] = /^select (.*?) from ([\w.]+)(?: as "\w+")?(?: where (.*))?$/.exec(sql) ?? assert.fail(`the test's origin does not understand ${sql}`)
    const source = this.source(name!)
    const value = (text: string) => (text.startsWith('$') ? String(params[Number(text.slice(1)) - 1]) : assert.fail(text))
    const values = (operand: string) => {
      const inner = operand.slice(1, -1)
      if (!inner.startsWith('select')) return inner.split(', ').map(value)
      const { columns, rows } = this.select(inner, params)
      return rows.map(row => row[columns[0]!])
    }
    const term = (text: string) => {
      const [, column, operator, operand] = /^"?(\w+)"? (=|in|>|<) (.*)$/.exec(text) ?? assert.fail(`the test's origin does not understand ${text}`)
      const among = operator === 'in' ? values(operand!) : [value(operand!)]
      return (row: Texts) => {
        const text = row[column!]!
        if (text === null) return false
        return operator === '>' ? Number(text) > Number(among[0]) : operator === '<' ? Number(text) < Number(among[0]) : among.includes(text)
      }
    }
    const any = condition === undefined ? [] : (condition.startsWith('(') ? condition.slice(1, -1).split(') or (') : [condition]).map(all => all.split(' and ').map(term))
    const rows = this.rows(name!).filter(row => any.length === 0 || any.some(all => all.every(test => test(row))))
    return { source, columns: list === '*' ? Object.keys(source.columns) : list!.split(', ').map(column => column.replaceAll('"', '')), rows }
  }

  private place(source: Source, row: Values): Texts {
    const texts = this.texts(source, row)
    source.rows.set(source.key(texts), texts)
    return texts
  }

  private texts(source: Source, row: Values): Texts {
    return Object.fromEntries(Object.keys(source.columns).map(name => [name, writeText(row[name], source.columns[name]!.type)]))
  }

  private source(name: string): Source {
    return this.sources.get(name.replace(/^main\./, '')) ?? assert.fail(`there is no table ${name}`)
  }
}
