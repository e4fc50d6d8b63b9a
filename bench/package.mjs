import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Finds the package to measure: the folder with the module that its package.json
 * exports. Fails where that was never built, unless no peer needs it.
 * @returns {Promise<{folder: string, version: string}>} folder is absolute
 */
export async function findPackage(root, peers) {
  if (!peers.some((peer) => peer.startsWith('stowage'))) return { folder: root, version: '' }
  const { exports, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const entry = join(root, exports['.'].default)
  await readFile(entry).catch(() => {
    throw new Error(`${entry} is not there: build the package first`)
  })
  return { folder: dirname(entry), version }
}
