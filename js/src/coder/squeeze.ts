import { asStowageError } from '../errors.js'
import { part } from '../parts.js'
import { turn } from '../bridge/turn.js'

/** Compresses values at a level, or undoes that where there is none. What it takes is loaded at the first use. */
export async function squeeze(values: Uint8Array[], level: number | undefined): Promise<Uint8Array[]> {
  const { deflate, inflate } = await part('zlib')
  const squeezed: Uint8Array[] = []
  for (const value of values) {
    if (squeezed.length > 0 && turn.over()) await turn.next()
    try {
      squeezed.push(level === undefined ? inflate(value) : deflate(value, level))
    } catch (error) {
      throw asStowageError(error, 'internal', 'a value could not be compressed')
    }
  }
  return squeezed
}
