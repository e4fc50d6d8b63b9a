import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'

/**
 * Holds the last results against gates.json and says for each gate whether it is
 * met, for each aim whether it is reached. It informs: nothing here fails a build,
 * for a busy machine is not a mistake in the code.
 *
 *     work, n   the row; without n, every number of documents that was measured
 *     field     of the row, what is compared
 *     gate      what has to be met: at most this
 *     aim       what is wished for: at most this
 *     unit      of a gate that is neither a ratio nor milliseconds
 */
async function main() {
  const gates = await read('gates.json')
  const rows = [...(await read('results/latest.json')), ...(await read('results/million.json')), ...(await read('results/overwrite.json')), ...(await read('results/sealed.json')), ...(await read('results/pull.json')), ...(await read('results/sorted.json')), ...(await read('results/sql.json'))]
  const lines = gates.flatMap((gate) => judged(gate, rows.filter(({ peer }) => peer === (gate.peer ?? 'stowage'))))
  for (const line of lines) console.log(line)
}

async function read(name) {
  try {
    return JSON.parse(await readFile(new URL(name, import.meta.url), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

/** The lines for one gate: one a row that was measured, or one that says that none was. */
export function judged(gate, rows) {
  const measured = rows.filter((row) => row.work === gate.work && (gate.n ?? row.n) === row.n && tells(row, gate))
  if (measured.length === 0) return [`not measured  ${named(gate, gate.work)}${gate.n ? ` at ${gate.n.toLocaleString('en')}` : ''}`]
  return measured.map((row) => {
    const value = row[gate.field]
    const where = `${named(gate, row.work)} at ${row.n.toLocaleString('en')}`
    return `${verdict(gate, row, value).padEnd(12)}  ${where.padEnd(28)} ${shown(value)}   ${limits(gate)}`
  })
}

const named = ({ peer }, work) => (peer ? `${work}, ${peer}` : work)

/** A row without the number, as the import of a million has no ratios, says nothing about the gate; a failed one does. */
function tells(row, { field }) {
  return typeof row[field] === 'number' || !row.correct
}

function verdict(gate, row, value) {
  if (!row.correct) return 'WRONG'
  if (gate.gate !== undefined && value > gate.gate) return 'MISSED'
  if (gate.aim !== undefined && value > gate.aim) return gate.gate === undefined ? 'not reached' : 'met'
  return gate.aim === undefined ? 'met' : 'reached'
}

const units = { ratio_to_idb: 'of idb', ratio_to_dexie: 'of dexie', ratio_to_least: 'of the least', ratio_to_smallest: 'of the smallest', ratio_to_clear: 'of the same in clear', ratio_to_parse: 'of fetching and parsing', ratio_to_sqlite: 'of sqlite', ratio_to_pglite: 'of pglite' }

function limits({ gate, aim, field, unit = units[field] ?? 'ms' }) {
  const parts = []
  if (gate !== undefined) parts.push(`gate ≤ ${gate} ${unit}`)
  if (aim !== undefined) parts.push(`aim ≤ ${aim} ${unit}`)
  return parts.join(', ')
}

function shown(value) {
  if (value === null || value === undefined) return '–'
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(3))).padStart(9)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main()
