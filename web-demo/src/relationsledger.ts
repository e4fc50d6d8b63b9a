// The ledger of the page of relations: each line is code as it ran, with the requests
// that it has sent, the rows it found, and how many of these are objects that were there.

import { StowageError } from 'stowage'

import { byId, element } from './element'
import { count, duration, many } from './wording'

const linesShown = 100

export class Ledger {
  #lines = byId('entries')
  #met = new WeakSet<object>()
  #objects = 0
  #rows = 0
  #requests = 0
  #last: Promise<unknown> = Promise.resolve()

  /** sent counts the requests of the view. */
  constructor(private readonly sent: () => number) {}

  /** Runs code, one after the other, so that each has its own requests; undefined where it failed, which is told. */
  run<T extends object>(code: string, body: () => Promise<T | readonly T[] | undefined>): Promise<readonly T[] | undefined> {
    const turn = this.#last.then(() => this.#time(code, body))
    this.#last = turn.catch(() => {})
    return turn
  }

  /** Objects are other ones from now on. */
  forget(): void {
    this.#met = new WeakSet()
    this.#objects = 0
    this.#tell()
  }

  async #time<T extends object>(code: string, body: () => Promise<T | readonly T[] | undefined>): Promise<readonly T[] | undefined> {
    const [began, before] = [performance.now(), this.sent()]
    let found: readonly T[] | undefined
    let word: string
    try {
      found = listed(await body())
      word = this.#meet(found)
    } catch (error) {
      if (!(error instanceof StowageError)) throw error
      word = `${error.code}: ${meanings[error.code] ?? error.message}`
    }
    this.#add(code, this.sent() - before, word, performance.now() - began, found === undefined)
    return found
  }

  #meet(found: readonly object[]): string {
    const known = found.filter((one) => this.#met.has(one)).length
    for (const one of found) this.#met.add(one)
    this.#rows += found.length
    this.#objects += found.length - known
    const objects = found.length === 0 ? '' : known === found.length ? ', all of them objects that were there' : known > 0 ? `, ${known} of them objects that were there` : ''
    return `${many(found.length, 'row', 'rows')}${found.length === 1 && known === 1 ? ', an object that was there' : objects}`
  }

  #add(code: string, requests: number, word: string, ms: number, failed: boolean): void {
    this.#requests += requests
    this.#lines.prepend(
      element('li', { class: failed ? 'failed' : undefined },
        element('code', {}, code),
        element('span', { class: requests === 0 ? 'sent none-sent' : 'sent' }, requests === 0 ? 'no request' : many(requests, 'request', 'requests')),
        element('span', { class: 'found' }, word),
        element('span', { class: 'took' }, duration(ms)),
      ),
    )
    while (this.#lines.children.length > linesShown) this.#lines.lastElementChild?.remove()
    this.#tell()
  }

  #tell(): void {
    byId('fact-requests').textContent = count(this.#requests)
    byId('fact-rows').textContent = count(this.#rows)
    byId('fact-objects').textContent = count(this.#objects)
  }
}

/** What is said of failures that a visitor can bring about. */
const meanings: Record<string, string> = {
  offline: 'never loaded, and the mode asks for nothing',
  incomplete: 'only a part of it is here',
  origin_failed: 'the origin does not answer',
}

function listed<T>(found: T | readonly T[] | undefined): readonly T[] {
  return Array.isArray(found) ? (found as readonly T[]) : found === undefined ? [] : [found as T]
}
