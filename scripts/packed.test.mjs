// Installs the packed package the way a user does and imports it by its name in
// Node: what the tarball holds, and what its export map lets through.
//
//   node --test scripts/packed.test.mjs        after make pack

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

const tarball = fileURLToPath(new URL('../.build/stowage.tgz', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'stowage-packed-'))
const installed = join(folder, 'node_modules/stowage')
mkdirSync(installed, { recursive: true })
execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1'])
after(() => rmSync(folder, { recursive: true }))

const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))

test('every export exists, and nothing else has to be installed', () => {
  const targets = Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
  for (const target of targets) assert.ok(existsSync(join(installed, target)), `${target} is not in the tarball`)
  assert.deepEqual(manifest.dependencies ?? {}, {})
})

test('a program in Node stores documents in a directory and finds them again', async () => {
  const program = join(folder, 'program.mjs')
  writeFileSync(program, `
    import { open, table, where } from 'stowage'
    import { directory } from 'stowage/drivers/fs'
    export async function run(path) {
      const tables = { cities: table({ key: 'id', indexes: ['country'] }) }
      const db = await open('packed', { tables, driver: directory(path) })
      await db.cities.putMany([{ id: 1, country: 'NO', name: 'Oslo' }, { id: 2, country: 'SE', name: 'Örebro' }])
      await db.close()
      const again = await open('packed', { tables, driver: directory(path) })
      const found = await again.cities.find(where('country').eq('SE'))
      const { problems } = await again.check()
      await again.close()
      return { found, problems }
    }`)
  const { run } = await import(pathToFileURL(program).href)
  const { found, problems } = await run(join(folder, 'data'))
  assert.deepEqual(found, [{ id: 2, country: 'SE', name: 'Örebro' }])
  assert.deepEqual(problems, [])
})

test('a program keeps entities over two tiers, as its entries give them', async () => {
  const program = join(folder, 'entities.mjs')
  writeFileSync(program, `
    import { memory, open, StowageError } from 'stowage'
    import { structures } from 'stowage/structures'
    import { hash, over, service } from 'stowage/repositories'
    export async function run() {
      const [cache, db] = await Promise.all(['cache', 'entities'].map((name) => open(name, { driver: memory() })))
      const tiers = { fast: over(structures(cache, 'fast')), fallback: over(structures(db, 'entities')) }
      const people = service(hash({ ...tiers, name: 'person', expire: 1000, attributes: { id: 'text', born: 'number' } }), { cache: { entries: 10 } })
      await people.add({ id: 'ada', born: 1815 })
      const found = await people.getMany(['bo', 'ada'])
      const missing = await people.getOne('bo').catch((error) => error instanceof StowageError && error.code)
      await people.shutdown()
      await Promise.all([cache.close(), db.close()])
      return { found, missing }
    }`)
  const { run } = await import(pathToFileURL(program).href)
  assert.deepEqual(await run(), { found: [{ id: 'ada', born: 1815 }], missing: 'not_found' })
})
