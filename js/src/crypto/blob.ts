/*
 * Blobs: what the encrypting stage makes of bytes. crypto/blob.go tells their form.
 *
 *   epoch u32 · session 16 · nonce 12 · ciphertext · tag 16
 */
import { StowageError } from '../errors.js'
import type { Keys } from './keys.js'
import { type Bytes, concat, deriveCipher, draw, nonceBytes, readU32, subtle, tagBytes, text, u32 } from './wrap.js'

const sessionBytes = 16
const streamBytes = 4 + sessionBytes
const headBytes = streamBytes + nonceBytes

/** After so many blobs, where two nonces of 96 bits are equal with a chance of 2⁻³⁵, a writer begins another session. */
const maxBlobs = 2 ** 31

/** Ciphers of sessions that are kept ready to open blobs. */
const maxCiphers = 256

/** Tells blobs apart that are sealed under the same keys: what it holds, its name, the stages it has passed before. */
export interface Label {
  kind: number
  name: string
  before: Uint8Array
}

/** The additional data of a blob whose epoch and session are given. */
const labelled = (env: Bytes, { kind, name, before }: Label, stream: Uint8Array) =>
  concat(text('stowage/1 blob'), env, [kind, before.length], before, stream, text(name))

const sessionCipher = (data: CryptoKey, session: Bytes) => deriveCipher(data, session, 'stowage/1 blob')

/** Seals blobs in the newest epoch of keys, in a session of its own. */
export class Sealer {
  private stream: Bytes = new Uint8Array(0)
  private cipher: Promise<CryptoKey> | undefined
  private sealed = maxBlobs

  /** @param random draws sessions and nonces; only tests give another one. */
  constructor(private readonly keys: Keys, private readonly random = draw) {}

  /** The blob in two parts: what stands before the ciphertext, and that with its tag. */
  async seal(label: Label, plain: Uint8Array): Promise<[head: Uint8Array, sealed: Uint8Array]> {
    const { env, epoch, data } = this.keys
    if (this.sealed === maxBlobs) {
      const session = this.random(sessionBytes)
      this.stream = concat(u32(epoch), session)
      this.cipher = sessionCipher(data.get(epoch)!, session)
      this.sealed = 0
    }
    this.sealed++
    const { stream } = this
    const iv = this.random(nonceBytes)
    const cipher = await this.cipher!
    const sealed = await subtle().encrypt({ name: 'AES-GCM', iv, additionalData: labelled(env, label, stream) }, cipher, plain as Bytes)
    return [concat(stream, iv), new Uint8Array(sealed)]
  }
}

/** Opens blobs of any epoch that keys have. */
export class Opener {
  private readonly ciphers = new Map<string, Promise<CryptoKey>>()

  constructor(private keys: Keys) {}

  /** Opens blobs of other keys of the same environment as well. */
  learn(keys: Keys): void {
    this.keys = keys
  }

  /** `tampered` for anything but a whole blob under its own label; undefined where the epoch is not known. */
  async open(label: Label, blob: Uint8Array): Promise<Uint8Array | undefined> {
    if (blob.length < headBytes + tagBytes) throw tampered(label)
    const stream = blob.slice(0, streamBytes)
    const known = this.cipher(stream)
    if (known === undefined) return undefined
    const iv = blob.slice(streamBytes, headBytes)
    try {
      const additionalData = labelled(this.keys.env, label, stream)
      return new Uint8Array(await subtle().decrypt({ name: 'AES-GCM', iv, additionalData }, await known, blob.slice(headBytes)))
    } catch {
      throw tampered(label)
    }
  }

  private cipher(stream: Bytes): Promise<CryptoKey> | undefined {
    const id = String(stream)
    const kept = this.ciphers.get(id)
    const data = this.keys.data.get(readU32(stream))
    if (kept !== undefined || data === undefined) return kept
    const cipher = sessionCipher(data, stream.slice(4))
    if (this.ciphers.size === maxCiphers) this.ciphers.clear()
    this.ciphers.set(id, cipher)
    return cipher
  }
}

function tampered({ name }: Label): StowageError {
  return new StowageError('tampered', `the blob ${name} was changed, or stands where it does not belong`)
}
