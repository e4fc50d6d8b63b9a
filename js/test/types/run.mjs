// Compiles the types as a user meets them, in dist: everything in accepted.ts
// must compile, and nothing in refused.ts. The compiler itself reports an
// expectation that is not met; that it would is proved with one that cannot be.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const compile = project => spawnSync('npx', ['tsc', '-p', project], { cwd: here, encoding: 'utf8' })

const types = compile(here)
if (types.status !== 0) fail(types.stdout)

const proof = mkdtempSync(join(here, 'proof-'))
try {
  writeFileSync(join(proof, 'unused.ts'), '// @ts-expect-error: but this is fine\nexport const fine: number = 1\n')
  writeFileSync(join(proof, 'tsconfig.json'), '{ "extends": "../tsconfig.json", "include": ["unused.ts"] }\n')
  const { status, stdout } = compile(proof)
  if (status === 0 || !stdout.includes('TS2578')) fail(`an expectation that is not met went unnoticed\n${stdout}`)
} finally {
  rmSync(proof, { recursive: true })
}

const expectations = readFileSync(join(here, 'refused.ts'), 'utf8').match(/@ts-expect-error/g).length
console.log(`types: accepted.ts compiles, ${expectations} lines of refused.ts do not`)

function fail(why) {
  console.error(why)
  process.exit(1)
}
