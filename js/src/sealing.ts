/*
 * Stages of the chain that the host carries out: what it has in native code, or
 * keys that the module shall never see, or functions of the program. The engine
 * hands over all blobs of a call at once, before a batch of them is committed, so
 * that no transaction of the host's storage is open meanwhile.
 *
 * The other end is wasm/sealing.go. This file is a bundle of its own, loaded
 * with the first environment that has such a stage.
 */
import { deflate, inflate } from './modifier/deflate.js'
import { asStowageError, type ErrorCode, StowageError, wordsOf } from './errors.js'
import type { Answer } from './bridge/io.js'
import { type Encryption, type Functions, type KeyChange, Kind, type Modifier, type SlotInfo, type Unlocker } from './modifier/modifier.js'
import { part } from './parts.js'

/** A blob on its way through a stage: what it holds, the name it is stored under, the stages it has passed before, its bytes. */
export type Blob = [kind: number, name: string, before: Uint8Array, bytes: Uint8Array]

/** What carries out a stage. */
interface Stage {
  /** Undefined for a blob that it leaves as it is; what comes in parts is put together in the engine's memory. */
  seal(blob: Blob): Promise<Uint8Array | Uint8Array[] | undefined>
  /** Undefined where it is sealed under keys that the stage does not know. */
  openBlob(blob: Blob): Promise<Uint8Array | undefined>
}

/** A stage with keys, which has a header in the root. */
export interface KeyedStage extends Stage {
  /** Gets ready by a header, or without one makes that of a new environment; returns it. */
  load(env: Uint8Array, header: Uint8Array | undefined): Promise<Uint8Array>
  amend(change: KeyChange, header: Uint8Array): Promise<[header: Uint8Array, told: unknown]>
  slots(): Promise<SlotInfo[]>
  verify(unlocker: Unlocker): Promise<void>
  forget(): void
}

interface Change {
  change: KeyChange
  told?: unknown
}

/** What the engine asks of a stage. The first number is that of the set it is of. */
export type SealRequest = [set: number, kind: number, id: number, direction: number, blobs: Blob[]]

export type LoadRequest = [set: number, kind: number, id: number, env: Uint8Array, header: Uint8Array | null]
export type AmendRequest = [number: number, header: Uint8Array]

/** A set of stages that are carried out here: those of one environment, or of a stream that has passed others. */
export class Sealing {
  private readonly stages = new Map<string, Stage>()
  private keyed: KeyedStage | undefined
  /** Changes of keys on their way, and what they have told; the first two are the engine's own. */
  private readonly changes = new Map<number, Change>([
    [0, { change: ['rotate'] }],
    [1, { change: ['retire'] }],
  ])
  private lastChange = 1

  private constructor() {}

  static async begin(chain: readonly Modifier[]): Promise<Sealing> {
    const sealing = new Sealing()
    await sealing.add(chain)
    return sealing
  }

  /** Has more stages ready. Keys that there are already stay; what is given must open them. */
  async add(chain: readonly Modifier[]): Promise<void> {
    for (const { kind, id, method } of chain) {
      let stage: Stage = deflating
      if (kind === Kind.Encrypt) {
        const { unlocker } = method as Encryption
        if (this.keyed !== undefined) await this.keyed.verify(unlocker!)
        stage = this.keyed ??= new (await part('crypto')).Encrypting(method as Encryption)
      } else if (method !== 'deflate') {
        stage = usersOwn(method as Functions)
      }
      this.stages.set(`${kind},${id}`, stage)
    }
  }

  /** Has the keys changed by way of the engine, which `run` tells to, and tells what came of it. */
  async amend(change: KeyChange, run: (number: number) => Promise<unknown>): Promise<unknown> {
    const { keyed } = this
    if (keyed === undefined) throw new StowageError('not_encrypted', 'there are no keys')
    if (change[0] === 'slots') return keyed.slots()
    if (change[0] === 'verify') return keyed.verify(change[1])
    const number = ++this.lastChange
    const under: Change = { change }
    this.changes.set(number, under)
    try {
      await run(number)
      return under.told
    } finally {
      this.changes.delete(number)
    }
  }

  /** Answers the engine that loads keys. */
  load([, , , env, header]: LoadRequest): Promise<Answer> {
    return answer(async () => ({ kind: 'part', bytes: await this.keyed!.load(env, header ?? undefined) }))
  }

  /** Answers the engine that asks what a change makes of the header that is stored. */
  change([number, header]: AmendRequest): Promise<Answer> {
    return answer(async () => {
      const under = this.changes.get(number)!
      const [bytes, told] = await this.keyed!.amend(under.change, header)
      under.told = told
      return { kind: 'part', bytes }
    })
  }

  /** Lets go of the keys. */
  forget(): void {
    this.keyed?.forget()
  }

  /** Carries out one request. Never rejects: a failure is an answer too. */
  perform([, kind, id, direction, blobs]: SealRequest): Promise<Answer> {
    return answer(async () => {
      const stage = this.stages.get(`${kind},${id}`)!
      return { kind: 'blobs', blobs: await Promise.all(blobs.map(blob => (direction === 0 ? stage.seal(blob) : stage.openBlob(blob)))) }
    })
  }
}

async function answer(make: () => Promise<Answer>): Promise<Answer> {
  try {
    return await make()
  } catch (error) {
    return { kind: 'failed', error: asStowageError(error, 'internal', `a stage failed: ${wordsOf(error)}`) }
  }
}

const deflating: Stage = {
  seal: ([, , , bytes]) => deflate(bytes),
  openBlob: ([, , , bytes]) => inflate(bytes),
}

function usersOwn(functions: Functions): Stage {
  return {
    seal: ([, , , bytes]) => turned(() => functions.seal(bytes), 'backend_failed', "the stage's seal"),
    openBlob: ([, , , bytes]) => turned(() => functions.open(bytes), 'undecodable', "the stage's open"),
  }
}

/** So many milliseconds such a function may take for a blob. */
const patience = 60_000

/**
 * What a function of the program, in a stage or a hook, makes of a blob; `otherwise` where that is nothing. What it throws, an answer
 * that does not come and one that is no bytes are errors, the first two with `code` unless they have their own; `who` names the function.
 */
export async function turned(turn: () => unknown, code: ErrorCode, who: string, otherwise?: Uint8Array): Promise<Uint8Array> {
  let made: unknown
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = () =>
    new Promise((_, reject) => {
      timer = setTimeout(reject, patience, new Error(`no answer within ${patience / 1000} s`))
    })
  try {
    made = (await Promise.race([turn(), late()])) ?? otherwise
  } catch (error) {
    throw asStowageError(error, code, `${who} failed`)
  } finally {
    clearTimeout(timer)
  }
  if (made instanceof Uint8Array) return made
  throw new StowageError('invalid_argument', `${who} must return a Uint8Array`)
}
