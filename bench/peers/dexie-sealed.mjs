import { applyEncryptionMiddleware, Dexie, liveQuery, NON_INDEXED_FIELDS } from 'dexie-encrypted'
import { prepare } from './dexie.mjs'

/** All that has no index is encrypted; ids and populations stay as they are. */
export function open(name) {
  const db = new Dexie(name, { chromeTransactionDurability: 'relaxed' })
  applyEncryptionMiddleware(db, new Uint8Array(32).fill(7), { places: NON_INDEXED_FIELDS }, async () => {})
  return prepare(db, liveQuery)
}
