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
  'undecodable', 'snapshot_expired', 'quota', 'denied', 'backend_failed', 'timeout', 'clock_skew', 'unavailable', 'engine_lost',
  'internal',
  'syntax', 'unknown_table', 'unknown_column', 'unknown_function', 'ambiguous', 'wrong_arguments', 'invalid_statement', 'constraint', 'exists', 'work_limit',
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
 * What is thrown may be anything: reading it may throw as well.
 */
export function asStowageError(error: unknown, code: ErrorCode, message: string): StowageError {
  try {
    if (error instanceof StowageError) return error
    const { code: own, message: said } = Object(error) as { code?: unknown; message?: unknown }
    if (isCode(own)) return new StowageError(own, String(said ?? message), { cause: error })
  } catch {
    // It has nothing to tell.
  }
  return new StowageError(code, message, { cause: error })
}

/** The error of a call whose signal has been aborted. */
export function aborted(signal: AbortSignal): StowageError {
  return new StowageError('aborted', 'the call was aborted', { cause: signal.reason })
}

/** The words of a failure, where it has any. */
export function wordsOf(error: unknown): string {
  try {
    return String(error)
  } catch {
    return 'it cannot say why'
  }
}

/** Reads a code that came from the engine or a worker; one this version does not know is internal. */
export function readCode(code: unknown): ErrorCode {
  return isCode(code) ? code : 'internal'
}

function isCode(code: unknown): code is ErrorCode {
  return errorCodes.includes(code as ErrorCode)
}
