import { wrappedKeyEncryptionCryptoJsStorage } from 'rxdb'
import { collect, Places, schema, storage } from './rxdb.mjs'

const encrypted = { name: 'string', country: 'string', tags: 'array', position: 'object', text: 'string' }

/** What can be encrypted: all but the identity, the id it is made of, and what has an index. */
const sealed = {
  ...schema,
  properties: { ...schema.properties, ...Object.fromEntries(Object.entries(encrypted).map(([name, type]) => [name, { type }])) },
  encrypted: Object.keys(encrypted),
}

export async function open(name) {
  const settings = { name, storage: wrappedKeyEncryptionCryptoJsStorage({ storage: storage() }), password: 'correct horse battery staple' }
  return new Sealed(await collect(settings, sealed))
}

class Sealed extends Places {
  /** No selector looks into what is encrypted. */
  async scan(phrase) {
    return (await this.find({})).filter(({ text }) => text.includes(phrase))
  }
}
