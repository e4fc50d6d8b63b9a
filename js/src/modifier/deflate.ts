/*
 * Deflate, RFC 1951, as the host has it: node:zlib, else CompressionStream.
 * Go programs have the same in store/compress.
 */
import { asStowageError, StowageError } from '../errors.js'

/** What a blob of so many bytes may claim to hold: a thousand times that, and never more than 32 MiB, but 64 KiB in any case. */
const bound = (packed: number) => Math.min(32 << 20, Math.max(64 << 10, 1000 * packed))

/** Compresses a blob; undefined where that would not save an eighth, or where it could not be opened again. */
export async function deflate(plain: Uint8Array): Promise<Uint8Array | undefined> {
  const packed = await (await method()).deflate(plain)
  return packed.length > plain.length - (plain.length >> 3) || plain.length > bound(packed.length) ? undefined : packed
}

/** Undoes deflate. `corrupt` where packed is not all of one stream, or grows over all bounds. */
export async function inflate(packed: Uint8Array): Promise<Uint8Array> {
  try {
    return await (await method()).inflate(packed)
  } catch (error) {
    throw asStowageError(error instanceof StowageError ? error : undefined, 'corrupt', 'a blob cannot be decompressed')
  }
}

interface Method {
  deflate(plain: Uint8Array): Promise<Uint8Array>
  inflate(packed: Uint8Array): Promise<Uint8Array>
}

let chosen: Promise<Method> | undefined

const method = () => (chosen ??= choose())

async function choose(): Promise<Method> {
  if (globalThis.process?.versions?.node !== undefined) return inNode()
  try {
    new CompressionStream('deflate-raw')
  } catch (cause) {
    throw new StowageError('unsupported', "there is no CompressionStream here that knows 'deflate-raw'", { cause })
  }
  return {
    deflate: plain => through(new CompressionStream('deflate-raw'), plain, Infinity),
    inflate: packed => through(new DecompressionStream('deflate-raw'), packed, bound(packed.length)),
  }
}

/** The name is kept from bundlers, which would look for it. */
async function inNode(): Promise<Method> {
  const name = 'node:zlib'
  const { deflateRaw, inflateRaw } = (await import(/* @vite-ignore */ name)) as typeof import('node:zlib')
  const whole = (packed: Uint8Array) =>
    new Promise<Uint8Array>((resolve, reject) => {
      const options = { maxOutputLength: bound(packed.length), info: true }
      inflateRaw(packed, options, (error, result) => {
        if (error !== null) return reject(error)
        const { buffer, engine } = result as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } }
        engine.bytesWritten === packed.length ? resolve(buffer) : reject(new Error('bytes are left'))
      })
    })
  return {
    deflate: plain => new Promise((resolve, reject) => deflateRaw(plain, (error, packed) => (error === null ? resolve(packed) : reject(error)))),
    inflate: whole,
  }
}

/** What a stream makes of bytes, as long as that stays within a bound. */
async function through(stream: CompressionStream | DecompressionStream, bytes: Uint8Array, most: number): Promise<Uint8Array> {
  const writer = stream.writable.getWriter()
  // What fails shows where it is read.
  writer.write(bytes as Uint8Array<ArrayBuffer>).catch(() => {})
  writer.close().catch(() => {})
  const reader = stream.readable.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    length += value.length
    if (length > most) {
      await reader.cancel()
      throw new Error('too long')
    }
  }
  return joined(parts, length)
}

function joined(parts: Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
