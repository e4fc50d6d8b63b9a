import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { replay, type Vectors } from '../commands.js'
import { stride } from '../stride.js'

/** How many commands: 100,000 of them take half a minute. */
const drawn = process.env.TORTURE === undefined ? Math.ceil(4000 / stride) : 100_000

test('commands drawn at random have the answers of Redis', t => {
  const folder = mkdtempSync(join(tmpdir(), 'stowage-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'commands.json')
  const seed = process.env.SEED ?? String(1 + Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`SEED=${seed}`)
  const asked = ['test', '-count=1', '-run', '^TestAnswersOfRedis$', './store/structure', '-record', file, '-drawn', String(drawn), '-commands', '2000', '-seed', seed]
  execFileSync('go', asked, { cwd: '..', encoding: 'utf8' })
  return replay(t, JSON.parse(readFileSync(file, 'utf8')) as Vectors)
})
