/*
 * What an environment stores of its keys: nobody can use it without a secret, and
 * nobody can change it without the master key. FORMAT.md and crypto/ring.go tell its
 * form; both sides are held to the vectors in crypto/testdata.
 */
import { StowageError } from '../errors.js'
import { FrameWriter } from '../bridge/wire.js'
import { parameters, readKDF } from './kdf.js'
import type { Epoch, Slot } from './slot.js'
import { type Bytes, concat, deriveMac, readU32, subtle, u32, wrappedBytes } from './wrap.js'

export interface Ring {
  slots: Slot[]
  epochs: Epoch[]
  mac: Bytes
}

const ringVersion = 1
export const maxSlots = 32
export const maxEpochs = 64
const macBytes = 32

/** Reads a header; `corrupt_header`, or `newer_format`, before anything is hashed. */
export function readRing(header: Bytes): Ring {
  const end = header.length - 4
  if (end < 0 || crc32c(header.subarray(0, end)) !== readU32(header, end)) throw damaged()
  const r = new Reader(header.subarray(0, end))
  r.list(4, 4)
  const version = r.uint()
  if (version > ringVersion) throw new StowageError('newer_format', 'the key ring is of a later version')
  const slots = r.list(1, maxSlots, () => readSlot(r))
  const epochs = r.list(1, maxEpochs, () => {
    r.list(2, 2)
    return { number: r.uint(), wrapped: r.bin(wrappedBytes) }
  })
  const ring = { slots, epochs, mac: r.bin(macBytes) }
  const ascending = (numbers: number[]) => numbers.every((n, i) => n > (numbers[i - 1] ?? 0))
  // Numbers take the fewest bytes, so that no two headers mean the same.
  const whole = ascending(slots.map(s => s.id)) && ascending(epochs.map(e => e.number)) && equal(headerOf(ring), header)
  if (version < 1 || !whole) throw damaged()
  return ring
}

function readSlot(r: Reader): Slot {
  r.list(4, 4)
  const id = r.uint()
  const kdf = readKDF(r.uint(), r.bin())
  if (kdf === undefined) throw damaged()
  return { id, kdf, wrapped: r.bin(wrappedBytes) }
}

/** What the mac covers. */
function body({ slots, epochs }: Omit<Ring, 'mac'>): FrameWriter {
  const frame = new FrameWriter(1024).array(4).uint(ringVersion).array(slots.length)
  for (const { id, kdf, wrapped } of slots) frame.array(4).uint(id).uint(kdf.kind).bin(parameters(kdf)).bin(wrapped)
  frame.array(epochs.length)
  for (const { number, wrapped } of epochs) frame.array(2).uint(number).bin(wrapped)
  return frame
}

/** The ring as it is stored. */
export function headerOf(ring: Ring): Bytes {
  const bytes = body(ring).bin(ring.mac).frame()
  return concat(bytes, u32(crc32c(bytes)))
}

const macKey = (env: Bytes, master: CryptoKey) => deriveMac(master, env, 'stowage/1 ring')

/** The ring with the mac that it has under a master key. */
export async function signed(env: Bytes, ring: Omit<Ring, 'mac'>, master: CryptoKey): Promise<Ring> {
  const mac = await subtle().sign('HMAC', await macKey(env, master), body(ring).frame().slice())
  return { ...ring, mac: new Uint8Array(mac) }
}

/** Whether nothing of the ring was changed by somebody without the master key. */
export async function isSigned(env: Bytes, ring: Ring, master: CryptoKey): Promise<boolean> {
  return subtle().verify('HMAC', await macKey(env, master), ring.mac, body(ring).frame().slice())
}

export const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])

function damaged(): StowageError {
  return new StowageError('corrupt_header', 'the key ring is damaged')
}

/** Takes values of MessagePack from the front of bytes. */
class Reader {
  private at = 0

  constructor(private readonly bytes: Bytes) {}

  /** The head of an array, and with read its elements. */
  list<T>(least: number, most: number, read?: () => T): T[] {
    const head = this.byte()
    const length = head === 0xdc ? this.big(2) : head & 0x0f
    if ((head !== 0xdc && head >> 4 !== 9) || length < least || length > most) throw damaged()
    return read === undefined ? [] : Array.from({ length }, read)
  }

  uint(): number {
    const head = this.byte()
    if (head < 0x80) return head
    if (head < 0xcc || head > 0xce) throw damaged()
    return this.big(1 << (head - 0xcc))
  }

  bin(length?: number): Bytes {
    if (this.byte() !== 0xc4) throw damaged() // none is longer than 255
    const stored = this.byte()
    if ((length ?? stored) !== stored || this.at + stored > this.bytes.length) throw damaged()
    this.at += stored
    return this.bytes.slice(this.at - stored, this.at)
  }

  private byte(): number {
    if (this.at >= this.bytes.length) throw damaged()
    return this.bytes[this.at++]!
  }

  private big(bytes: number): number {
    let n = 0
    for (let i = 0; i < bytes; i++) n = n * 256 + this.byte()
    return n
  }
}

function crc32c(bytes: Uint8Array): number {
  let sum = ~0
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1
  }
  return ~sum >>> 0
}
