import { build } from 'esbuild'

/** What a page needs of packages that browsers cannot load as they are: names that they do not resolve are all over them. */
const sources = {
  rxdb: `
    export { createRxDatabase } from 'rxdb/plugins/core'
    export { getRxStorageDexie } from 'rxdb/plugins/storage-dexie'
    export { wrappedKeyEncryptionCryptoJsStorage } from 'rxdb/plugins/encryption-crypto-js'`,
  'dexie-encrypted': `
    export { Dexie, liveQuery } from 'dexie'
    export { applyEncryptionMiddleware, NON_INDEXED_FIELDS } from 'dexie-encrypted'`,
}

const bundles = new Map()

/** The one file that a package becomes, made once. */
export function bundled(name) {
  if (!bundles.has(name)) bundles.set(name, bundle(sources[name]))
  return bundles.get(name)
}

async function bundle(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: new URL('.', import.meta.url).pathname },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0].contents
}
