import { packDocuments, unpack } from '../document/document.js'
import { aborted, StowageError } from '../errors.js'
import type { LongCall } from '../options.js'
import { turn } from '../bridge/turn.js'

/** A slice aims at this many bytes: packing and reading it back each take a few milliseconds. */
const sliceBytes = 1 << 20

/** And at this time to pack, in milliseconds, whatever the machine. */
const sliceMilliseconds = 4

/** A list of documents, packed as MessagePack. */
export interface Slice {
  bytes: Uint8Array
  first: number
  count: number
}

/**
 * Packs documents slice by slice, each small enough that neither packing it nor
 * handing it over keeps the thread for long.
 */
export class Slicer {
  private at = 0
  private count = 64

  constructor(
    private readonly documents: readonly unknown[],
    private readonly maxBytes: number,
  ) {}

  get over(): boolean {
    return this.at >= this.documents.length
  }

  next(): Slice {
    const began = performance.now()
    const first = this.at
    const count = Math.min(this.count, this.documents.length - first)
    const bytes = packDocuments(this.documents.slice(first, first + count))
    if (count === 1 && bytes.length > this.maxBytes) {
      throw new StowageError('too_large', `a document of ${bytes.length} bytes is over the limit of ${this.maxBytes}`)
    }
    this.adapt(count, bytes.length, performance.now() - began)
    // A slice far over the aim is packed again in smaller parts, so that no call carries it whole.
    if (count > 1 && bytes.length > 4 * sliceBytes) return this.next()
    this.at += count
    return { bytes, first, count }
  }

  /** Sets the size of the following slices by what this one took. */
  private adapt(count: number, bytes: number, milliseconds: number): void {
    const fit = Math.min(sliceBytes / bytes, sliceMilliseconds / Math.max(milliseconds, 0.05))
    this.count = Math.max(1, Math.min(Math.floor(count * fit), count * 8, 0xffff))
  }
}

/**
 * Sends a list in slices, lets the page have the thread in between, and reports
 * how far it is. `send` gets the first place and the number of each slice.
 */
export async function inSlices<R>(
  total: number,
  options: LongCall,
  next: () => { first: number; count: number; sent: Promise<R> },
): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < total; ) {
    if (options.signal?.aborted) throw aborted(options.signal)
    const { first, count, sent } = next()
    results.push(await sent)
    at = first + count
    options.onProgress?.(at, total)
    if (turn.over() && at < total) await turn.next()
  }
  return results
}

/** Reads what an operation over many keys answered. */
export function readList<R>(bytes: Uint8Array, start: number, end: number): R[] {
  return unpack(bytes, start, end) as R[]
}
