/*
 * Turns have those who write to a key take turns, and tell those who read it from the fallback whether somebody has written to it meanwhile.
 *
 * The other side is store/repository/turn.go.
 */
import { StowageError } from '../errors.js'
import type { Clock } from './clock.js'

/** The turn of one key. */
interface Turn {
  readonly key: string
  /** By how many. */
  joined: number
  /** Adds and deletes that ended since the first joined. */
  changes: number
  /** Somebody writes. */
  held: boolean
  /** Those who want to, in their order. */
  readonly waiting: (() => void)[]
}

export class Turns {
  /** Those that somebody has joined. */
  private readonly byKey = new Map<string, Turn>()

  constructor(private readonly clock: Clock) {}

  /**
   * Waits until it is the caller's turn to write to each of the keys, at most so many milliseconds: then it is a `timeout`. They are given back by the
   * function it returns.
   */
  async take(keys: readonly string[], most: number): Promise<() => void> {
    const taken: Turn[] = []
    const give = () => {
      for (const turn of taken) {
        turn.changes++
        this.release(turn)
        this.leave(turn)
      }
    }
    const until = this.clock.now() + most
    for (const key of [...new Set(keys)].sort()) { // in one order, so that nobody waits in a circle
      const turn = this.join(key)
      if (await this.hold(turn, until)) {
        taken.push(turn)
        continue
      }
      this.leave(turn)
      give()
      throw new StowageError('timeout', 'earlier writes did not end in time')
    }
    return give
  }

  /** A ticket for who reads a key from the fallback, to put what it finds into the fast tier. It is to be given to leave. */
  draw(key: string): Ticket {
    const turn = this.join(key)
    const { changes } = turn
    return {
      hold: () => {
        if (turn.held || turn.changes !== changes) return false
        turn.held = true
        return true
      },
      release: () => this.release(turn),
      leave: () => this.leave(turn),
    }
  }

  private hold(turn: Turn, until: number): Promise<boolean> {
    if (!turn.held) {
      turn.held = true
      return Promise.resolve(true)
    }
    return new Promise(resolve => {
      const called = () => {
        stop()
        resolve(true)
      }
      const stop = this.clock.after(Math.max(until - this.clock.now(), 0), () => {
        turn.waiting.splice(turn.waiting.indexOf(called), 1)
        resolve(false)
      })
      turn.waiting.push(called)
    })
  }

  /** Hands the turn on. */
  private release(turn: Turn): void {
    const next = turn.waiting.shift()
    if (next === undefined) turn.held = false
    else next()
  }

  private join(key: string): Turn {
    const turn = this.byKey.get(key) ?? { key, joined: 0, changes: 0, held: false, waiting: [] }
    this.byKey.set(key, turn)
    turn.joined++
    return turn
  }

  private leave(turn: Turn): void {
    if (--turn.joined === 0) this.byKey.delete(turn.key)
  }
}

export interface Ticket {
  /**
   * Tells whether the key has not been written to since the ticket was drawn and nobody is about to. Nobody else writes to it then until release.
   */
  hold(): boolean
  release(): void
  leave(): void
}
