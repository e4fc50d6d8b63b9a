/**
 * Turns samples into the rows of the result: one a work, number of documents and
 * peer, in the order in which they are first met. Ratios are taken repetition by
 * repetition, against what raw IndexedDB, or Dexie, needed minutes or seconds apart,
 * and then the median is: a slow minute of the machine slows both sides.
 *
 * @param {import('./campaign.mjs').Sample[]} samples
 * @returns {Row[]}
 */
export function rowsOf(samples) {
  return Array.from(grouped(samples).values(), (group) => rowOf(group, samples))
}

/**
 * @typedef {object} Row
 * @property {string} work
 * @property {number} n                  documents
 * @property {string} peer
 * @property {number|null} median_ms     milliseconds a round, over repetitions; bytes for disk-bytes and wasm-memory
 * @property {number|null} min_ms
 * @property {number|null} max_ms
 * @property {number|null} ratio_to_idb  median of the ratios of single repetitions; null without idb
 * @property {number|null} ratio_min
 * @property {number|null} ratio_max
 * @property {number|null} ratio_to_dexie the same of Dexie; null without it
 * @property {number} [ratio_to_sqlite]  the same of SQLite, where it was asked too
 * @property {number} [ratio_to_pglite]  the same of PGlite, where it was asked too
 * @property {boolean} correct           whether every answer of every repetition was right
 * @property {number} [estimate_bytes]   what navigator.storage.estimate() said, disk-bytes only
 * @property {string} [error]            the first failure; its repetition has no time
 */

function grouped(samples) {
  const groups = new Map()
  for (const sample of samples) {
    const name = `${sample.n} ${sample.work} ${sample.peer}`
    groups.set(name, [...(groups.get(name) ?? []), sample])
  }
  return groups
}

function rowOf(group, samples) {
  const [{ work, n, peer }] = group
  const times = group.flatMap(({ ms }) => ms ?? [])
  const ratios = group.flatMap((sample) => ratioOf(sample, 'idb', samples) ?? [])
  const toDexie = group.flatMap((sample) => ratioOf(sample, 'dexie', samples) ?? [])
  const toClear = group.flatMap((sample) => ratioOf(sample, peer.replace('-sealed', ''), samples) ?? [])
  const estimates = group.flatMap(({ estimate }) => estimate ?? [])
  const failed = group.find(({ error }) => error !== undefined)
  return {
    work,
    n,
    peer,
    median_ms: median(times),
    min_ms: least(times),
    max_ms: most(times),
    ratio_to_idb: median(ratios),
    ratio_min: least(ratios),
    ratio_max: most(ratios),
    ratio_to_dexie: median(toDexie),
    ...(peer.endsWith('-sealed') && { ratio_to_clear: median(toClear) }),
    ...inSQL(group, samples),
    correct: group.every(({ correct }) => correct),
    ...(estimates.length > 0 && { estimate_bytes: median(estimates) }),
    ...(failed && { error: failed.error }),
  }
}

/** What a statement took as multiples of what other peers took that were asked in SQL. */
function inSQL(group, samples) {
  const to = (peer) => median(group.flatMap((sample) => (sample.peer === peer ? [] : (ratioOf(sample, peer, samples) ?? []))))
  const ratios = { ratio_to_sqlite: to('sqlite'), ratio_to_pglite: to('pglite') }
  return Object.fromEntries(Object.entries(ratios).filter(([, ratio]) => ratio !== null))
}

function ratioOf({ work, n, repetition, ms }, peer, samples) {
  const floor = samples.find((sample) =>
    sample.peer === peer && sample.work === work && sample.n === n && sample.repetition === repetition)
  return ms === undefined || !floor?.ms ? undefined : ms / floor.ms
}

/** The middle of a list of numbers, null of an empty one. */
export function median(numbers) {
  if (numbers.length === 0) return null
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function least(numbers) {
  return numbers.length === 0 ? null : Math.min(...numbers)
}

function most(numbers) {
  return numbers.length === 0 ? null : Math.max(...numbers)
}
