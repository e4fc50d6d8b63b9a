/*
 * What becomes of failures of a pull: how they are told, and whether it is tried again. Go programs have the same in sync/recovery.go.
 */
import { asStowageError, StowageError } from '../errors.js'
import { MustRefetch } from './message.js'
import { Unanswered } from './request.js'
import { Stale } from './source.js'

/** Failures of what is stored: it is pulled again. */
const damaged = new Set(['corrupt', 'tampered', 'undecodable'])

/** Failures after which it is tried again, beside those that the origin passes over. */
const retried = new Set(['origin_failed', 'backend_failed', 'quota', 'engine_lost', 'conflict', ...damaged])

/** Whether what is stored cannot be read. */
export const isDamage = (error: unknown): boolean => damaged.has((error as StowageError).code)

/** Whether it is tried again, and after how many milliseconds at least. */
export function retrying(failure: StowageError): { again: boolean; floor: number } {
  return failure instanceof Unanswered ? failure : { again: retried.has(failure.code), floor: 0 }
}

/** What callers are told. */
export function typed(error: unknown): StowageError {
  if (error instanceof Stale || error instanceof MustRefetch) return new StowageError('origin_failed', error.message, { cause: error })
  return asStowageError(error, 'internal', 'the pull failed')
}
