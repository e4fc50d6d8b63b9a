/*
 * A ring that a secret has opened. Go has the same in crypto/keys.go.
 */
import { StowageError } from '../errors.js'
import { type KDF, makeKEK, opens, parameters, type Secret } from './kdf.js'
import { equal, headerOf, isSigned, maxEpochs, maxSlots, type Ring, signed } from './ring.js'
import { type Epoch, epochsKey, newEpoch, newSlot, openEpoch, openSlot, type Slot } from './slot.js'
import { type Bytes, draw, importKey, keyBytes, subtle, unwrap, wrap } from './wrap.js'

/** The KEK of a slot, and how it was made. */
export interface KEK {
  kdf: KDF
  key: CryptoKey
}

/** The master key: what is derived of it, and its bytes, sealed under a key of this context that cannot be read out. */
interface Master {
  key: CryptoKey
  guard: CryptoKey
  sealed: Bytes
}

const unlabelled = new Uint8Array(0)

/** Takes the bytes of a master key, and overwrites them. */
async function guarded(raw: Bytes): Promise<Master> {
  const guard = await subtle().generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  const master = { key: await importKey(raw), guard, sealed: await wrap(guard, raw, unlabelled) }
  raw.fill(0)
  return master
}

/** Lends the bytes of a master key for as long as use takes. */
async function lent<R>({ guard, sealed }: Master, use: (raw: Bytes) => Promise<R>): Promise<R> {
  const raw = (await unwrap(guard, sealed, unlabelled))!
  try {
    return await use(raw)
  } finally {
    raw.fill(0)
  }
}

/** Keys of one environment. What changes them makes others, whose header has to be stored before they are used. */
export class Keys {
  private constructor(
    readonly env: Bytes,
    readonly ring: Ring,
    private readonly master: Master,
    private readonly kek: KEK,
    /** The data keys by epoch, of which those of sessions are derived. */
    readonly data: ReadonlyMap<number, CryptoKey>,
  ) {}

  /** Draws the keys of a new environment, with one slot. */
  static async create(env: Bytes, kek: KEK): Promise<Keys> {
    const raw = draw(keyBytes)
    const slot = await newSlot(env, 1, kek.kdf, kek.key, raw)
    const master = await guarded(raw)
    return Keys.make(env, { slots: [slot], epochs: [await drawEpoch(env, 1, master)] }, master, kek)
  }

  /** Tries the secret on every slot of its kind. `wrong_key` where none opens, `tampered` where the ring was changed. */
  static async unlock(env: Bytes, ring: Ring, secret: Secret): Promise<Keys> {
    for (const slot of ring.slots) {
      if (!opens(slot.kdf, secret)) continue
      const kek = { kdf: slot.kdf, key: await makeKEK(slot.kdf, secret) }
      const raw = await openSlot(env, slot, kek.key)
      if (raw !== undefined) return Keys.verify(env, ring, await guarded(raw), kek)
    }
    throw new StowageError('wrong_key', 'no slot of the key ring opens with this key')
  }

  /** Opens a ring that these keys' environment has stored since, without a secret. */
  async resume(ring: Ring): Promise<Keys> {
    if (await isSigned(this.env, ring, this.master.key)) return Keys.verify(this.env, ring, this.master, this.kek)
    const mine = parameters(this.kek.kdf)
    for (const slot of ring.slots) {
      if (slot.kdf.kind !== this.kek.kdf.kind || !equal(parameters(slot.kdf), mine)) continue
      const raw = await openSlot(this.env, slot, this.kek.key)
      if (raw !== undefined) return Keys.verify(this.env, ring, await guarded(raw), this.kek)
    }
    throw new StowageError('wrong_key', 'no slot of the key ring opens with this key')
  }

  get header(): Bytes {
    return headerOf(this.ring)
  }

  /** The newest epoch: the one that blobs are sealed in. */
  get epoch(): number {
    return this.ring.epochs.at(-1)!.number
  }

  /** The id of the slot that opened the ring; undefined where it was removed since. */
  async slot(): Promise<number | undefined> {
    for (const slot of this.ring.slots) {
      const raw = await openSlot(this.env, slot, this.kek.key)
      raw?.fill(0)
      if (raw !== undefined) return slot.id
    }
    return undefined
  }

  /** Gives the ring another slot, and tells its id. */
  async addSlot(kek: KEK): Promise<[Keys, number]> {
    const { slots } = this.ring
    if (slots.length === maxSlots) throw new StowageError('too_large', `a key ring has ${maxSlots} slots at most`)
    const id = slots.at(-1)!.id + 1
    return [await this.with({ slots: [...slots, await this.wrapFor(id, kek)] }), id]
  }

  /** Takes a slot out of the ring. The last one stays. */
  async removeSlot(id: number): Promise<Keys> {
    const slots = this.ring.slots.filter(slot => slot.id !== id)
    if (slots.length === 0 || slots.length === this.ring.slots.length) throw noSlot()
    return this.with({ slots })
  }

  /** Has a slot open with another secret. */
  async changeSlot(id: number, kek: KEK): Promise<Keys> {
    if (!this.ring.slots.some(slot => slot.id === id)) throw noSlot()
    const slot = await this.wrapFor(id, kek)
    const own = (await this.slot()) === id
    return this.with({ slots: this.ring.slots.map(old => (old.id === id ? slot : old)) }, own ? kek : this.kek)
  }

  /**
   * Begins an epoch. Where the only slot is the one that opened the ring, the master key is drawn anew as
   * well: who has kept a copy of an older ring and its secret cannot open the new epoch.
   */
  async rotate(): Promise<Keys> {
    const { env, ring, kek } = this
    if (ring.epochs.length === maxEpochs) throw new StowageError('too_large', `a key ring has ${maxEpochs} epochs at most`)
    const next = this.epoch + 1
    const [only, ...others] = ring.slots
    if (others.length > 0 || (await this.slot()) !== only!.id) {
      return this.with({ epochs: [...ring.epochs, await drawEpoch(env, next, this.master)] })
    }
    const raw = draw(keyBytes)
    const slots = [await newSlot(env, only!.id, kek.kdf, kek.key, raw)]
    const master = await guarded(raw)
    const [from, to] = [await epochsKey(env, this.master.key), await epochsKey(env, master.key)]
    const epochs: Epoch[] = []
    for (const epoch of ring.epochs) {
      const data = (await openEpoch(env, epoch, from))!
      epochs.push(await newEpoch(env, epoch.number, to, data))
      data.fill(0)
    }
    return Keys.make(env, { slots, epochs: [...epochs, await drawEpoch(env, next, master)] }, master, kek)
  }

  /** Drops every epoch before one, whose blobs must all be gone, but never the newest. */
  retire(before: number): Promise<Keys> {
    return this.with({ epochs: this.ring.epochs.filter(({ number }) => number >= before || number === this.epoch) })
  }

  private wrapFor(id: number, { kdf, key }: KEK): Promise<Slot> {
    return lent(this.master, raw => newSlot(this.env, id, kdf, key, raw))
  }

  private with(change: Partial<Ring>, kek = this.kek): Promise<Keys> {
    return Keys.make(this.env, { ...this.ring, ...change }, this.master, kek)
  }

  /** Signs a ring. */
  private static async make(env: Bytes, ring: Omit<Ring, 'mac'>, master: Master, kek: KEK): Promise<Keys> {
    return Keys.open(env, await signed(env, ring, master.key), master, kek)
  }

  private static async verify(env: Bytes, ring: Ring, master: Master, kek: KEK): Promise<Keys> {
    if (await isSigned(env, ring, master.key)) return Keys.open(env, ring, master, kek)
    throw changed()
  }

  private static async open(env: Bytes, ring: Ring, master: Master, kek: KEK): Promise<Keys> {
    const under = await epochsKey(env, master.key)
    const data = new Map<number, CryptoKey>()
    for (const epoch of ring.epochs) {
      const raw = await openEpoch(env, epoch, under)
      if (raw === undefined) throw changed()
      data.set(epoch.number, await importKey(raw))
      raw.fill(0)
    }
    return new Keys(env, ring, master, kek, data)
  }
}

async function drawEpoch(env: Bytes, number: number, master: Master): Promise<Epoch> {
  const data = draw(keyBytes)
  const epoch = await newEpoch(env, number, await epochsKey(env, master.key), data)
  data.fill(0)
  return epoch
}

function changed(): StowageError {
  return new StowageError('tampered', 'the key ring was changed')
}

function noSlot(): StowageError {
  return new StowageError('not_found', 'there is no such slot, or it is the last one')
}
