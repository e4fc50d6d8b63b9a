import type { Among, Reply } from './among.js'
import type { Batch, Driver, DriverInfo } from '../drivers/driver.js'
import { asStowageError, StowageError, wordsOf } from '../errors.js'
import { type FrameWriter, Status, type Verb } from './wire.js'

/** What a driver answered to a task's request. */
export type Answer =
  | { kind: 'done' }
  | { kind: 'blobs'; blobs: (Uint8Array | Uint8Array[] | undefined)[] }
  | { kind: 'names'; names: string[] }
  | { kind: 'info'; info: DriverInfo; shared: boolean }
  | { kind: 'part'; bytes: Uint8Array | undefined }
  | { kind: 'reply'; reply: Reply }
  | { kind: 'packed'; bytes: Uint8Array }
  | { kind: 'failed'; error: StowageError }

/** The answer to what needs none. */
export const done: Answer = { kind: 'done' }

/** A batch as the engine asks for it: absent bytes and an absent root are null. */
export type BatchFrame = [
  puts: [string, Uint8Array][],
  adds: [string, Uint8Array][],
  root: [Uint8Array | null, Uint8Array] | null,
  removes: string[],
  removed: [from: string, to: string] | null,
  strict: boolean,
]

/** Answers a task that reads a stream. Never rejects: a failure is an answer too. */
export async function feed(next: (() => Promise<Uint8Array | undefined>) | undefined): Promise<Answer> {
  try {
    return { kind: 'part', bytes: await next?.() }
  } catch (error) {
    return { kind: 'failed', error: asStowageError(error, 'backend_failed', 'the stream failed') }
  }
}

/** Answers a task that asks functions of a filter. Never rejects: a failure is an answer too. */
export async function ask(answers: () => Uint8Array | Promise<Uint8Array | undefined> | undefined): Promise<Answer> {
  try {
    const bytes = await answers()
    if (bytes !== undefined) return { kind: 'packed', bytes }
    throw new Error('nobody answers for the functions of a filter')
  } catch (error) {
    return { kind: 'failed', error: asStowageError(error, 'invalid_query', 'a function of the filter failed') }
  }
}

/** Carries out one request with a driver. Never rejects: a failure is an answer too. */
export async function perform(driver: Driver, among: Among | undefined, status: Status, request: unknown): Promise<Answer> {
  try {
    switch (status) {
      case Status.Read:
        return { kind: 'blobs', blobs: (await driver.read(request as string[])).map(mustBytes) }
      case Status.List:
        return { kind: 'names', names: await driver.list(request as string) }
      case Status.Info:
        return { kind: 'info', info: await driver.info(request as boolean), shared: driver.contexts !== undefined }
      case Status.Commit:
        await driver.commit(readBatch(request as BatchFrame))
        return done
      case Status.Among:
        if (among === undefined) break
        return { kind: 'reply', reply: await among.perform(request as [Verb, ...unknown[]]) }
      case Status.Close:
        await driver.close()
        return done
    }
    throw new Error(`the engine asked for something unknown: ${status}`)
  } catch (error) {
    return { kind: 'failed', error: asStowageError(error, 'backend_failed', `the driver failed: ${wordsOf(error)}`) }
  }
}

function mustBytes(blob: unknown): Uint8Array | undefined {
  if (blob === undefined || blob instanceof Uint8Array) return blob
  throw new StowageError('backend_failed', 'the driver returned something that is no Uint8Array')
}

/** Reads a batch that the engine wrote. */
export function readBatch([puts, adds, root, removes, removed, strict]: BatchFrame): Batch {
  const blobs = (pairs: [string, Uint8Array][]) => pairs.map(([name, bytes]) => ({ name, bytes }))
  return {
    put: blobs(puts),
    add: blobs(adds),
    root: root === null ? undefined : { old: root[0] ?? undefined, new: root[1] },
    remove: removes,
    removeRange: removed === null ? undefined : { from: removed[0], to: removed[1] },
    durability: strict ? 'strict' : 'relaxed',
  }
}

/** How many bytes the frame of an answer takes at most. */
export function answerBytes(answer: Answer): number {
  if (answer.kind === 'blobs') return answer.blobs.flat().reduce((sum, bytes) => sum + (bytes?.length ?? 0) + 5, 16)
  if (answer.kind === 'names') return answer.names.reduce((sum, name) => sum + name.length * 3 + 5, 16)
  if (answer.kind === 'part') return (answer.bytes?.length ?? 0) + 16
  if (answer.kind === 'packed') return answer.bytes.length
  return 1024
}

/** Writes the frame of an answer: [nil, value], or [code, message]. */
export function writeAnswer(frame: FrameWriter, answer: Answer): FrameWriter {
  if (answer.kind === 'packed') return frame.raw(answer.bytes)
  frame.array(2)
  switch (answer.kind) {
    case 'failed':
      return frame.string(answer.error.code).string(answer.error.message.slice(0, 200))
    case 'blobs':
      frame.nil().array(answer.blobs.length)
      for (const blob of answer.blobs) blob === undefined ? frame.nil() : frame.bin(...[blob].flat())
      return frame
    case 'names':
      frame.nil().array(answer.names.length)
      for (const name of answer.names) frame.string(name)
      return frame
    case 'part':
      return answer.bytes === undefined ? frame.nil().nil() : frame.nil().bin(answer.bytes)
    case 'info': {
      const { atomic, prefixDurable, maxBlob, blobs, bytes, sharing = +answer.shared } = answer.info
      return frame.nil().array(6).bool(atomic).bool(prefixDurable).uint(maxBlob).int(blobs).int(bytes).uint(sharing)
    }
    case 'reply':
      return answer.reply(frame.nil())
    default:
      return frame.nil().nil()
  }
}
