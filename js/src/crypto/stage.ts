/*
 * The encrypting stage, AES-256-GCM by WebCrypto. This file is a bundle of its own,
 * loaded with the first environment that is encrypted. Go has the stage in store/encrypt,
 * to the byte; both are held to the vectors in crypto/testdata.
 */
import { StowageError } from '../errors.js'
import type { Encryption, KeyChange, SlotInfo, Unlocker } from '../modifier/modifier.js'
import type { Blob, KeyedStage } from '../sealing.js'
import { Opener, Sealer } from './blob.js'
import { type Cost, Kind, makeKEK, newKDF, readSecret, standardCost } from './kdf.js'
import { type KEK, Keys } from './keys.js'
import { equal, readRing } from './ring.js'
import { type Bytes, subtle } from './wrap.js'

/** The stage with the keys of one environment. */
export class Encrypting implements KeyedStage {
  private keys: Keys | undefined
  private header: Bytes | undefined
  private amended: Keys | undefined
  private sealer!: Sealer
  private opener!: Opener

  /** @param how tells what unlocks; only there is that kept. */
  constructor(private readonly how: Encryption) {
    subtle()
  }

  async load(env: Bytes, header: Bytes | undefined): Promise<Bytes> {
    const { keys } = this
    const same = keys !== undefined && equal(keys.env, env)
    if (same && header !== undefined && equal(this.header!, header)) return header
    this.use(await this.open(env, header, same ? keys : undefined), same)
    return this.header!
  }

  /** Opens a header: with what is known from an earlier one where it can, so that nothing is hashed, else with the secret. */
  private async open(env: Bytes, header: Bytes | undefined, known: Keys | undefined): Promise<Keys> {
    if (header === undefined) return Keys.create(env, await newKEK(this.how.unlocker, this.how.cost))
    const ring = readRing(header)
    if (this.amended !== undefined && equal(this.amended.header, header)) return this.amended
    if (known !== undefined) {
      const keys = await known.resume(ring).catch(error => {
        if (this.how.unlocker === undefined) throw error
      })
      if (keys !== undefined) return keys
    }
    return Keys.unlock(env, ring, await readSecret(this.how.unlocker ?? {}))
  }

  /** Seals and opens with keys. The session of an epoch that goes on goes on too. */
  private use(keys: Keys, same: boolean): void {
    if (!same || keys.epoch !== this.keys!.epoch) this.sealer = new Sealer(keys)
    if (same) this.opener.learn(keys)
    else this.opener = new Opener(keys)
    this.keys = keys
    this.header = keys.header
    this.amended = undefined
  }

  async seal([kind, name, before, bytes]: Blob): Promise<Uint8Array[]> {
    if (this.keys === undefined) throw locked()
    return this.sealer.seal({ kind, name, before }, bytes)
  }

  async openBlob([kind, name, before, bytes]: Blob): Promise<Uint8Array | undefined> {
    if (this.keys === undefined) throw locked()
    return this.opener.open({ kind, name, before }, bytes)
  }

  async slots(): Promise<SlotInfo[]> {
    const { keys } = this
    if (keys === undefined) throw locked()
    const current = await keys.slot()
    return keys.ring.slots.map(({ id, kdf }) => ({ id, kind: kdf.kind === Kind.Key ? 'key' : 'passphrase', current: id === current }))
  }

  async verify(unlocker: Unlocker): Promise<void> {
    if (this.keys === undefined) throw locked()
    await Keys.unlock(this.keys.env, this.keys.ring, await readSecret(unlocker))
  }

  /** What a change makes of the header that is stored, and what it tells. */
  async amend(change: KeyChange, header: Bytes): Promise<[header: Bytes, told: unknown]> {
    if (change[0] === 'shred') return [new Uint8Array(0), undefined]
    if (this.keys === undefined) throw locked()
    const keys = await this.keys.resume(readRing(header))
    let told: unknown
    switch (change[0]) {
      case 'add':
        ;[this.amended, told] = await keys.addSlot(await newKEK(change[1], change[2]))
        break
      case 'remove':
        this.amended = await keys.removeSlot(change[1])
        break
      case 'rotate':
        this.amended = await keys.rotate()
        break
      case 'retire':
        this.amended = await keys.retire(keys.epoch)
        break
      case 'change': {
        const theirs = await Keys.unlock(keys.env, keys.ring, await readSecret(change[1]))
        this.amended = await keys.changeSlot((await theirs.slot())!, await newKEK(change[2], change[3]))
        break
      }
    }
    return [this.amended!.header, told]
  }

  forget(): void {
    this.keys = this.header = this.amended = undefined
  }
}

async function newKEK(unlocker: Unlocker | undefined, cost: Cost = standardCost): Promise<KEK> {
  const secret = await readSecret(unlocker ?? {})
  const kdf = newKDF(secret, cost)
  return { kdf, key: await makeKEK(kdf, secret) }
}

function locked(): StowageError {
  return new StowageError('key_required', 'the environment is locked')
}
