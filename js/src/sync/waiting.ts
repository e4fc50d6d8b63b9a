import type { StowageError } from '../errors.js'

/** What is waited for: a whole shape, or what is new. */
export type Wait = 'whole' | 'news'

/** Who waits for something of a shape. Nobody waits for ever: whoever ends a pull settles what is waited for. */
export class Waiting {
  private list: { what: Wait; done: () => void; failed: (error: StowageError) => void }[] = []

  for(what: Wait): Promise<void> {
    return new Promise((done, failed) => this.list.push({ what, done, failed }))
  }

  /** Tells those who wait for it that it is here, or why it does not come. */
  settle(what: Wait, error?: StowageError): void {
    const settled = this.list.filter(one => one.what === what)
    this.list = this.list.filter(one => one.what !== what)
    for (const { done, failed } of settled) error === undefined ? done() : failed(error)
  }
}
