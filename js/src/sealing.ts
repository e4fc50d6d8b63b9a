/*
 * Stages of the chain that the host carries out: what it has in native code, or
 * keys that the module shall never see, or functions of the program. The engine
 * hands over all blobs of a call at once, before a batch of them is committed, so
 * that no transaction of the host's storage is open meanwhile.
 *
 * The other end is wasm/sealing.go. This file is a bundle of its own, loaded
 * with the first environment that has such a stage.
 */
import { deflate, inflate } from './deflate.js'
import { asStowageError, StowageError } from './errors.js'
import type { Answer } from './io.js'
import type { Functions, Modifier } from './modifier.js'

/** A blob on its way through a stage: what it holds, the name it is stored under, its bytes. */
export type Blob = [kind: number, name: string, bytes: Uint8Array]

/** What carries out a stage. */
interface Stage {
  /** Undefined for a blob that it leaves as it is. */
  seal(blob: Blob): Promise<Uint8Array | undefined>
  open(blob: Blob): Promise<Uint8Array>
}

/** What the engine asks of a stage. */
export type SealRequest = [kind: number, id: number, direction: number, blobs: Blob[]]

/** The stages of one environment that are carried out here. */
export class Sealing {
  private readonly stages = new Map<string, Stage>()

  private constructor() {}

  static async begin(chain: readonly Modifier[]): Promise<Sealing> {
    const sealing = new Sealing()
    for (const { kind, id, method } of chain) {
      sealing.stages.set(`${kind},${id}`, method === 'deflate' ? deflating : usersOwn(method as Functions))
    }
    return sealing
  }

  /** Carries out one request. Never rejects: a failure is an answer too. */
  async perform([kind, id, direction, blobs]: SealRequest): Promise<Answer> {
    try {
      const stage = this.stages.get(`${kind},${id}`)!
      const made = await Promise.all(blobs.map(blob => (direction === 0 ? stage.seal(blob) : stage.open(blob))))
      return { kind: 'blobs', blobs: made }
    } catch (error) {
      return { kind: 'failed', error: asStowageError(error, 'internal', `a stage failed: ${String(error)}`) }
    }
  }
}

const deflating: Stage = {
  seal: ([, , bytes]) => deflate(bytes),
  open: ([, , bytes]) => inflate(bytes),
}

function usersOwn(functions: Functions): Stage {
  async function call(what: 'seal' | 'open', bytes: Uint8Array): Promise<Uint8Array> {
    let made: unknown
    try {
      made = await functions[what](bytes)
    } catch (error) {
      throw asStowageError(error, what === 'seal' ? 'backend_failed' : 'undecodable', `the stage's ${what} failed`)
    }
    if (made instanceof Uint8Array) return made
    throw new StowageError('invalid_argument', `the stage's ${what} must return a Uint8Array`)
  }
  return {
    seal: ([, , bytes]) => call('seal', bytes),
    open: ([, , bytes]) => call('open', bytes),
  }
}
