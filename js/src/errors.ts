/**
 * The stable names of every kind of failure. They never change once released:
 * callers branch on `error.code`. The engine has the same set, in
 * store/testdata/error-codes.txt, which the tests of both sides read.
 */
export const errorCodes = [
  'invalid_argument', 'invalid_option', 'invalid_key', 'invalid_document', 'invalid_query', 'invalid_path',
  'unknown_operator', 'too_deep', 'too_large', 'unsupported',
  'not_found', 'duplicate_key', 'schema_mismatch', 'wrong_type', 'newer_schema', 'conflict', 'closed', 'tx_ended', 'tx_busy', 'read_only', 'locked', 'not_empty',
  'aborted',
  'corrupt', 'newer_format', 'missing_modifier', 'key_required', 'not_encrypted', 'wrong_key', 'corrupt_header', 'tampered',
  'undecodable', 'snapshot_expired', 'quota', 'denied', 'backend_failed', 'timeout', 'unavailable', 'engine_lost',
  'internal',
  'offline', 'not_live', 'origin_failed', 'incomplete',
] as const

/** One of the stable names of a failure. */
export type ErrorCode = (typeof errorCodes)[number]

/**
 * The one class of error that Stowage throws or rejects with. `code` is stable,
 * the message is for people. Neither ever holds a value out of a document.
 */
export class StowageError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message.endsWith(`[${code}]`) ? message : `${message} [${code}]`, options)
    this.name = 'StowageError'
    this.code = code
  }
}

/**
 * Gives any failure a code. Errors of Stowage pass unchanged; so do, in another
 * class, those of a driver that carry one of the codes. Others become the cause of one.
 */
export function asStowageError(error: unknown, code: ErrorCode, message: string): StowageError {
  if (error instanceof StowageError) return error
  const own = (error as { code?: unknown } | null | undefined)?.code
  if (isCode(own)) return new StowageError(own, (error as Error).message, { cause: error })
  return new StowageError(code, message, { cause: error })
}

/** Reads a code that came from the engine or a worker; one this version does not know is internal. */
export function readCode(code: unknown): ErrorCode {
  return isCode(code) ? code : 'internal'
}

function isCode(code: unknown): code is ErrorCode {
  return errorCodes.includes(code as ErrorCode)
}
