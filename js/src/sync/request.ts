/*
 * Requests to an origin: with its token, within its time, and never the same one over and over. What comes back is an
 * answer or an Unanswered, which says whether it is worth another try.
 */
import { whenAborted } from '../bridge/signal.js'
import { StowageError } from '../errors.js'
import { type Breaker } from './breaker.js'
import type { Token } from './token.js'

/** Why there was no answer. */
export class Unanswered extends StowageError {
  constructor(
    what: string,
    /** The status; 0 where nothing came. */
    readonly status: number,
    /** It may be answered later. */
    readonly again: boolean,
    /** Not before so many milliseconds. */
    readonly floor = 0,
    cause?: unknown,
  ) {
    super(status === 401 || status === 403 ? 'denied' : 'origin_failed', what, { cause })
  }
}

/** One request, and how long it may take until it begins to be answered, in milliseconds. */
export interface Request {
  url: string
  /** A JSON text to be sent by POST. */
  body?: string
  headers?: Record<string, string>
  timeout?: number
  signal?: AbortSignal | undefined
}

/** An answer, all of which has arrived. */
export interface Answer {
  status: number
  headers: Headers
  text: string
  bytes: number
}

/** An answer begins within this time, and goes on within this; live ones end by themselves before the last. In milliseconds. */
const answerTimeout = 30_000
const idleTimeout = 30_000
export const liveTimeout = 45_000

/** Statuses that are answers to those who ask. */
const answers = new Set([200, 204, 304, 409])

/** Statuses that may be others a moment later; so may all from 500. */
const passing = new Set([408, 425, 429])

export class Requests {
  /** How many were sent, and how many bytes came back. */
  count = 0
  bytes = 0

  constructor(
    private readonly fetch: typeof globalThis.fetch,
    private readonly token: Token,
    readonly breaker: Breaker,
  ) {}

  /** Sends a request, with another token where the one it bore was refused. */
  async send(request: Request): Promise<Answer> {
    const token = await this.bearer()
    try {
      return await this.once(request, token)
    } catch (error) {
      if (!(error instanceof Unanswered) || error.code !== 'denied' || !(await this.renewed(token))) throw error
      return this.once(request, await this.bearer())
    }
  }

  private async bearer(): Promise<string | undefined> {
    try {
      return await this.token.get()
    } catch (cause) {
      throw new Unanswered('there is no token for the origin', 0, true, 0, cause)
    }
  }

  private async renewed(token: string | undefined): Promise<boolean> {
    return this.token.renewed(token).catch(() => false)
  }

  private async once({ url, body, headers, timeout = answerTimeout, signal }: Request, token: string | undefined): Promise<Answer> {
    if (signal?.aborted) throw ended()
    if (!this.breaker.admits()) throw new Unanswered('the origin has failed again and again, and is left alone for a while', 0, true)
    const watch = new Watch(signal)
    this.count++
    try {
      watch.within(timeout)
      const response = await this.fetch(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }), ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        signal: watch.signal,
        ...(body !== undefined && { body }),
      })
      const { text, bytes } = await read(response, watch)
      this.bytes += bytes
      if (answers.has(response.status)) {
        this.breaker.told(true)
        return { status: response.status, headers: response.headers, text, bytes }
      }
      throw refused(response)
    } catch (error) {
      if (signal?.aborted) {
        this.breaker.forgot()
        throw ended(error)
      }
      const failure = error instanceof Unanswered ? error : new Unanswered(watch.late ? 'the origin took too long' : 'the origin cannot be reached', 0, true, 0, error)
      this.breaker.told(!failure.again) // an answer, if only a refusal
      throw failure
    } finally {
      watch.end()
    }
  }
}

const ended = (cause?: unknown) => new StowageError('aborted', 'the request was aborted', { cause })

function refused({ status, headers }: Response): Unanswered {
  return new Unanswered(`the origin refused with ${status}`, status, status >= 500 || passing.has(status), retryAfter(headers.get('retry-after')))
}

/** Seconds or a date, as milliseconds from now. */
function retryAfter(text: string | null): number {
  if (text === null) return 0
  const seconds = Number(text)
  const milliseconds = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - Date.now()
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : 0
}

async function read(response: Response, watch: Watch): Promise<{ text: string; bytes: number }> {
  const reader = response.body?.getReader()
  if (reader === undefined) return { text: '', bytes: 0 }
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const parts: string[] = []
  let bytes = 0
  for (;;) {
    watch.within(idleTimeout)
    const { done, value } = await reader.read()
    if (done) break
    bytes += value.length
    parts.push(decoder.decode(value, { stream: true }))
  }
  parts.push(decoder.decode())
  return { text: parts.join(''), bytes }
}

/** Ends a request that stands still, or that its caller ends. */
class Watch {
  private readonly ending = new AbortController()
  private readonly deaf: () => void
  private timer: ReturnType<typeof setTimeout> | undefined
  late = false

  constructor(given: AbortSignal | undefined) {
    if (given?.aborted) this.ending.abort()
    this.deaf = whenAborted(given, () => this.ending.abort())
  }

  get signal(): AbortSignal {
    return this.ending.signal
  }

  within(milliseconds: number): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      this.late = true
      this.ending.abort()
    }, milliseconds)
  }

  end(): void {
    clearTimeout(this.timer)
    this.deaf()
  }
}
