import type { Chunk } from './message.js'
import type { Position } from './shape.js'

/**
 * A chunk that is asked for before its turn, while the one before it is stored: there is one at most, so that two are in
 * memory. What went wrong with it is told when its turn comes.
 */
export class Ahead {
  readonly chunk: Promise<Chunk>
  private readonly ending = new AbortController()

  constructor(
    private readonly at: Position,
    private readonly rest: AbortSignal,
    /** Whether somebody wanted news when it was asked for. */
    readonly wanted: boolean,
    ask: (signal: AbortSignal) => Promise<Chunk>,
  ) {
    rest.addEventListener('abort', this.end)
    this.chunk = ask(this.ending.signal).finally(() => rest.removeEventListener('abort', this.end))
    this.chunk.catch(() => {})
  }

  /** Whether it is what follows a position, and nobody has ended the wait for it. */
  follows({ handle, offset }: Position, rest: AbortSignal): boolean {
    return rest === this.rest && handle === this.at.handle && offset === this.at.offset
  }

  /** Nobody wants it any more. */
  readonly end = () => this.ending.abort()
}
