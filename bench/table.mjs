/** The rows that are bytes, although they stand in the fields of times. */
export const inBytes = ['disk-bytes', 'wasm-memory']

/**
 * The result as text: for each number of documents a table with a line for each
 * work and columns for each peer: its median and its ratio to raw IndexedDB, each
 * with its spread, and for Stowage its ratio to Dexie; then what failed, in full.
 *
 * @param {import('./statistics.mjs').Row[]} rows
 * @param {{work: string[], peers: string[]}} options the order of lines and columns
 */
export function tableOf(rows, options) {
  const sizes = Array.from(new Set(rows.map(({ n }) => n)))
  return sizes.map((n) => sectionOf(n, rows.filter((row) => row.n === n), options)).join('\n\n')
}

function sectionOf(n, rows, { work, peers }) {
  const measured = work.filter((name) => rows.some((row) => row.work === name))
  const lines = measured.map((name) => [name, ...peers.flatMap((peer) => cellsOf(rows.find((row) => row.work === name && row.peer === peer)))])
  const head = ['', ...peers.flatMap(headOf)]
  return [`${n.toLocaleString('en')} documents`, ...aligned([head, ...lines]), ...troubles(rows)].join('\n')
}

function headOf(peer) {
  return [peer, peer === 'idb' ? '' : 'of idb', peer === 'stowage' ? 'of dexie' : peer.endsWith('-sealed') ? 'of clear' : '', 'of sqlite', 'of pglite']
}

function cellsOf(row) {
  if (row === undefined) return ['–', '', '', '', '']
  if (row.median_ms === null) return ['failed', '', '', '', '']
  const show = inBytes.includes(row.work) ? bytes : duration
  const mark = row.correct ? '' : ' WRONG'
  const time = `${show(row.median_ms)} (${show(row.min_ms)} – ${show(row.max_ms)})${mark}`
  const toIdb = row.peer !== 'idb' && row.ratio_to_idb !== null
  const toDexie = row.peer === 'stowage' && typeof row.ratio_to_dexie === 'number'
  return [
    time,
    toIdb ? `${ratio(row.ratio_to_idb)} (${ratio(row.ratio_min)} – ${ratio(row.ratio_max)})` : '',
    toDexie ? ratio(row.ratio_to_dexie) : row.ratio_to_clear ? ratio(row.ratio_to_clear) : '',
    row.ratio_to_sqlite ? ratio(row.ratio_to_sqlite) : '',
    row.ratio_to_pglite ? ratio(row.ratio_to_pglite) : '',
  ]
}

function troubles(rows) {
  return rows
    .filter(({ correct }) => !correct)
    .map(({ work, peer, error }) => `${peer}, ${work}: ${error ?? 'an answer differs from the reference'}`)
}

function aligned(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  const used = (_, column) => column === 0 || lines.slice(1).some((line) => line[column] !== '')
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column])).filter(used).join('  ').trimEnd())
}

/** Milliseconds in the unit that suits them: 7.3 µs, 0.42 ms, 1.25 s. */
export function duration(ms) {
  if (ms < 0.1) return `${(ms * 1000).toPrecision(2)} µs`
  return ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`
}

/** Bytes in the unit that suits them: 812 kB, 3.92 MB. */
export function bytes(count) {
  return count < 1e6 ? `${digits(count / 1000)} kB` : `${digits(count / 1e6)} MB`
}

export function ratio(value) {
  return value >= 10 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(2) : value.toFixed(3)
}

/** Three significant digits, never in exponents. */
function digits(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
