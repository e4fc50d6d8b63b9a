import { mkdir, writeFile } from 'node:fs/promises'
import { arch, cpus, platform } from 'node:os'
import { findBrowser } from './browser.mjs'
import { Repetition } from './campaign.mjs'
import { importMillion } from './million.mjs'
import { overwriteTenth } from './overwrite.mjs'
import { pullTable } from './pull.mjs'
import { readOptions } from './options.mjs'
import { findPackage } from './package.mjs'
import { askSorted } from './sorted.mjs'
import { askInSQL } from './sql.mjs'
import { rowsOf } from './statistics.mjs'
import { tableOf } from './table.mjs'

const results = new URL('./results/', import.meta.url)

async function main() {
  for (const options of readOptions(process.env, process.argv.slice(2))) await measure(options)
}

/** Measures what the options ask for, prints it and writes it down. */
async function measure(options) {
  options.browser = findBrowser(options.chromium)
  options.package = await findPackage(options.stowage, options.peers)
  const run = { million: importMillion, overwrite: overwriteTenth, sealed: compare, pull: pullTable, sorted: askSorted, sql: askInSQL }[options.campaign] ?? compare
  const rows = await run(options)
  await save(`${options.campaign ?? 'latest'}.json`, rows)
  if (rows.some(({ correct }) => !correct)) process.exitCode = 1
}

/** Runs every repetition for every number of documents. @returns {Promise<import('./statistics.mjs').Row[]>} */
async function compare(options) {
  const { n, reps, seed, peers } = options
  console.log(`${peers.join(', ')}; ${n.join(' and ')} documents of 357 bytes, ${reps} repetitions, seed ${seed}`)
  const samples = []
  let version = ''
  for (const count of n) {
    for (let repetition = 0; repetition < reps; repetition++) {
      const one = new Repetition(options, { n: count, repetition })
      await one.measure()
      samples.push(...one.samples)
      version = one.version
      console.log(`${count} documents, repetition ${repetition + 1} of ${reps} done`)
    }
  }
  const rows = rowsOf(samples)
  console.log(`\nChromium ${version}, ${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`)
  console.log(tableOf(rows, options))
  return rows
}

async function save(name, rows) {
  await mkdir(results, { recursive: true })
  await writeFile(new URL(name, results), `${JSON.stringify(rows, null, 2)}\n`)
  console.log(`\nwritten to bench/results/${name}`)
}

main().catch((error) => {
  console.error(`bench: ${error.message}`)
  process.exitCode = 1
})
