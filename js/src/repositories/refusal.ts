/*
 * A refusal is a failure before anything could have come of a call.
 */
import { type ErrorCode, StowageError } from '../errors.js'

/** The failure of a call that was not made, for the breaker of its tier is open. */
export class Resting extends StowageError {}

/** What some of the tiers of a ring have failed: the others that were asked may have done their share. */
export class InPart extends StowageError {}

const refusals: readonly ErrorCode[] = ['invalid_argument', 'invalid_option', 'invalid_key', 'too_large', 'wrong_type', 'read_only', 'closed', 'unsupported']

export const refused = (error: unknown): boolean => error instanceof Resting || (error instanceof StowageError && refusals.includes(error.code))
