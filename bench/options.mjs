import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { statements } from './statements.mjs'
import { works } from './works.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))

const names = ['N', 'REPS', 'SEED', 'PEERS', 'WORK', 'STOWAGE', 'PROFILE', 'CHROMIUM']

export const peers = ['idb', 'dexie', 'rxdb', 'stowage']

/** Those that are measured only where they are asked for. */
const others = ['dexie-sealed', 'rxdb-sealed', 'stowage-sealed', 'sqlite', 'pglite']

/** Every row of the table, in its order. */
export const rows = [
  'empty-open', 'cold-bulk-insert', 'bulk-insert', 'single-insert', 'cold-reopen', 'warm-get', 'batch-get', 'indexed-range',
  'ordered-limit', 'scan', 'indexed-count', 'update-1000', 'live-update', 'delete-1000', 'disk-bytes', 'wasm-memory',
]

/** Every row of SQL. */
export const sqlRows = [...Object.keys(statements), 'live-sql']

/** Campaigns, and the peers they take unless told: two over very many documents, one of the rows that encryption could slow down, one that pulls, one of sorted sets, and one in SQL. */
const campaigns = { million: 'stowage', overwrite: 'idb,stowage', sealed: 'idb,dexie,stowage,dexie-sealed,stowage-sealed', pull: 'stowage', sorted: 'stowage', sql: 'stowage,sqlite,pglite' }
/** How many documents they take unless told; the others as many as the rows of documents. */
const sizes = { million: '1000,100000,1000000', overwrite: '1000000', pull: '138398', sorted: '10000,100000,1000000', sql: '100000' }
/** How often they repeat what they repeat; the others, and the rows of documents, five times. */
const repetitions = { million: '9', sorted: '31' }
const sealedRows = ['bulk-insert', 'warm-get']

/**
 * @typedef {object} Options
 * @property {number[]} n      how many documents, one table each
 * @property {number} reps     repetitions
 * @property {number} seed     of documents and questions
 * @property {string[]} peers  in the order of the first repetition
 * @property {string[]} work   rows to measure
 * @property {string} [campaign] what is run instead: 'million', 'overwrite', 'sealed', 'pull', 'sorted' or 'sql'
 * @property {string} stowage  folder of the package to measure
 * @property {string} [chromium] path of the browser
 * @property {boolean} profile whether to write CPU profiles
 */

/**
 * Reads options from the environment, and over it from arguments of the form
 * NAME=value, as make would pass them on. Throws where one makes no sense.
 *
 * @returns {Options[]} a run each: one where N, PEERS or WORK narrows what is measured, else the rows of documents and then every campaign
 */
export function readOptions(environment, parameters) {
  const given = { ...environment, ...Object.fromEntries(parameters.map(split)) }
  const narrowed = given.WORK || given.N || given.PEERS
  return narrowed ? [optionsOf(given)] : [undefined, ...Object.keys(campaigns)].map((WORK) => optionsOf({ ...given, WORK }))
}

/** @returns {Options} */
function optionsOf(given) {
  const campaign = given.WORK in campaigns ? given.WORK : list(given.WORK ?? '').some((work) => sqlRows.includes(work)) ? 'sql' : undefined
  return {
    n: list(given.N || sizes[campaign] || '10000,100000').map((text) => whole('N', text)),
    reps: whole('REPS', given.REPS || repetitions[campaign] || '5'),
    seed: whole('SEED', given.SEED || '1'),
    peers: known('PEERS', list(given.PEERS || campaigns[campaign] || peers.join()), [...peers, ...others]),
    work: workOf(campaign, given.WORK),
    campaign,
    stowage: resolve(here, given.STOWAGE ?? '../js'),
    profile: given.PROFILE === '1',
    chromium: given.CHROMIUM,
  }
}

/** The rows that are measured. Those of SQL may be named one by one. */
function workOf(campaign, given) {
  if (campaign === 'sealed') return sealedRows
  if (campaign === 'sql') return given === 'sql' ? sqlRows : known('WORK', list(given), sqlRows)
  return campaign ? [] : known('WORK', list(given || rows.join()), rows)
}

function split(parameter) {
  const [name, ...value] = parameter.split('=')
  if (value.length === 0 || !names.includes(name)) throw new Error(`${parameter}: expected one of ${names.join(', ')}, with =value`)
  return [name, value.join('=')]
}

function list(text) {
  return text.split(',').map((part) => part.trim()).filter((part) => part !== '')
}

function whole(name, text) {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new Error(`${name}=${text}: expected a whole number above 0`)
  return Number(text)
}

function known(name, given, choices) {
  const unknown = given.find((choice) => !choices.includes(choice))
  if (unknown !== undefined) throw new Error(`${name}=${unknown}: expected some of ${choices.join(',')}`)
  return choices.filter((choice) => given.includes(choice))
}

/** The rows that belong to one session and were asked for, in the order in which they run. */
export function worksOf(session, { work }) {
  return Object.keys(works).filter((name) => works[name].session === session && work.includes(name))
}
