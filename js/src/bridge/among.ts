import type { Contexts, Pin, Sign as SignName } from '../drivers/driver.js'
import { turn } from './turn.js'
import { type FrameWriter, Sign, Verb } from './wire.js'

/** Writes the value of a reply. */
export type Reply = (frame: FrameWriter) => FrameWriter

const nothing: Reply = frame => frame.nil()

/** The signs by their names. */
const signs: Record<SignName, Sign> = { committed: Sign.Committed, contested: Sign.Contested, moved: Sign.Moved }

/**
 * Carries out what one engine wants among contexts. The other end is
 * wasm/contexts.go; what is behind it, the `contexts` of a driver.
 */
export class Among {
  private readonly locks = new Map<number, () => void>()
  private lastLock = 0

  /** heard is told what was heard of other contexts. */
  constructor(
    private readonly contexts: Contexts,
    private readonly heard: (sign: Sign) => void,
  ) {}

  async perform([verb, ...rest]: [verb: Verb, ...rest: unknown[]]): Promise<Reply> {
    const { contexts } = this
    switch (verb) {
      case Verb.Join:
        await contexts.join(rest[0] as string, sign => this.heard(signs[sign]))
        return nothing
      case Verb.Lock:
        return this.lock(await contexts.lock(...(rest as [string, number, boolean])))
      case Verb.Unlock:
        this.unlock(rest[0] as number)
        return nothing
      case Verb.Alive:
        contexts.alive(rest[0] as string)
        return nothing
      case Verb.Contest:
        contexts.contest()
        return nothing
      case Verb.Pin:
        await contexts.pin({ read: Number(rest[0]), known: Number(rest[1]) })
        return nothing
      case Verb.Linger:
        await linger()
        return nothing
      case Verb.Others:
        return writeOthers(await contexts.others())
      default:
        throw new Error(`the engine asked for something unknown: ${verb}`)
    }
  }

  private lock(release: (() => void) | undefined): Reply {
    if (release === undefined) return frame => frame.uint(0)
    const number = ++this.lastLock
    this.locks.set(number, release)
    return frame => frame.uint(number)
  }

  private unlock(number: number): void {
    this.locks.get(number)?.()
    this.locks.delete(number)
  }
}

/** For so long a program may take to begin its next transaction. */
const lingerMilliseconds = 2

/** Lets everything else run for a moment. In a tab that does not show a timer would take a second. */
async function linger(): Promise<void> {
  if (globalThis.document?.visibilityState !== 'hidden') return new Promise(resolve => setTimeout(resolve, lingerMilliseconds))
  const until = performance.now() + lingerMilliseconds
  while (performance.now() < until) await turn.next()
}

/** Writes the reply to Others. */
export function writeOthers({ pin, ids }: { pin: Pin | undefined; ids: string[] }): Reply {
  return frame => {
    frame.array(3)
    if (pin === undefined) frame.nil().nil()
    else frame.uint(pin.read).uint(pin.known)
    frame.array(ids.length)
    for (const id of ids) frame.string(id)
    return frame
  }
}
