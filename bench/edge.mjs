// Holds a worker with Stowage over Workers KV against one that asks KV itself, each in a workerd of its own: the
// processor's time of those processes (on Linux), and how long answers take, in turns. The figures in RATIONALE.md come from here.
//
//   node bench/edge.mjs     from the folder of the project, after make build; N requests a turn, REPS turns

import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from './random.mjs'

const require = createRequire(new URL('../js/package.json', import.meta.url))
const { build } = require('esbuild')
const { Miniflare } = require('miniflare')

const [n, reps, seed] = [Number(process.env.N ?? 200), Number(process.env.REPS ?? 9), Number(process.env.SEED ?? 1)]
const random = new Random(seed, 0)
/** 4 KiB that cannot be compressed, others each time. */
const text = () => Buffer.from(Array.from({ length: 3072 }, () => random.below(256))).toString('base64')

const folder = mkdtempSync(join(tmpdir(), 'stowage-bench-'))
const peers = []
try {
  for (const name of ['plain', 'stowage']) peers.push(await start(name))
  for (const peer of peers) for (let id = 0; id < 20; id++) await ask(peer, 'put', id)
  // What the plain worker is asked, and what the other one is asked beside it.
  const works = { 'nothing': ['nothing', 'nothing'], 'get': ['get', 'get'], 'get beside nothing': ['nothing', 'get'], 'put 4 KiB': ['put', 'put'] }
  const ratios = Object.fromEntries(Object.keys(works).map((what) => [what, []]))
  for (let turn = 0; turn < reps; turn++) {
    const told = []
    for (const [what, asked] of Object.entries(works)) {
      const [plain, stowage] = await measured(asked)
      ratios[what].push({ processor: stowage.processor / plain.processor, answer: stowage.answer / plain.answer })
      told.push(`${what} ${[plain, stowage].map(({ processor, answer }) => `${processor.toFixed(2)}/${answer.toFixed(2)}`).join(' and ')}`)
    }
    console.error(`turn ${turn + 1}: ${told.join(', ')} ms`)
  }
  console.log(`seed ${seed}, ${reps} turns of ${n} requests: Stowage beside plain, median [spread]`)
  for (const [work, all] of Object.entries(ratios)) console.log(`${work.padEnd(20)} processor ${spread(all.map((r) => r.processor))}   answer ${spread(all.map((r) => r.answer))}`)
} finally {
  for (const { workerd } of peers) await workerd.dispose()
  rmSync(folder, { recursive: true, force: true })
}

async function start(name) {
  const out = join(folder, name)
  await build({
    entryPoints: [`bench/edge/${name}.mjs`],
    outfile: join(out, 'worker.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    external: ['cloudflare:*', 'node:*', '*.wasm'],
    alias: { 'stowage/edge': './js/dist/edge.js' },
    logLevel: 'error',
  })
  const modules = [{ type: 'ESModule', path: join(out, 'worker.js') }]
  if (name === 'stowage') {
    copyFileSync('js/dist/edge.wasm', join(out, 'edge.wasm'))
    modules.push({ type: 'CompiledWasm', path: join(out, 'edge.wasm') })
  }
  const before = new Set(children())
  const workerd = new Miniflare({ host: '127.0.0.1', port: 0, cf: false, telemetry: { enabled: false }, compatibilityDate: '2026-07-01', kvNamespaces: ['STORE'], modulesRoot: out, modules })
  const url = await workerd.ready
  return { name, workerd, url, pid: children().find((pid) => !before.has(pid)) }
}

/** The processes that this one has started. */
function children() {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && parentOf(pid) === process.pid)
}

/** The fields of /proc/<pid>/stat behind the name, which may have blanks in it. */
function fieldsOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return [] // it has ended
  }
}

function parentOf(pid) {
  return Number(fieldsOf(pid)[1])
}

/** What the threads of a process have used of the processor, in milliseconds. */
function processorOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'))
  return threads.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e6
}

/** Asks both in turns, request by request: the processor's time of one, on average, and the median of how long answers took. */
async function measured(works) {
  const before = peers.map(({ pid }) => processorOf(pid))
  const answers = peers.map(() => [])
  for (let i = 0; i < n; i++) {
    for (const p of i % 2 === 0 ? [0, 1] : [1, 0]) {
      const body = works[p] === 'put' ? text() : undefined
      const began = performance.now()
      await ask(peers[p], works[p], i % 20, body)
      answers[p].push(performance.now() - began)
    }
  }
  return peers.map(({ pid }, p) => ({ processor: (processorOf(pid) - before[p]) / n, answer: answers[p].sort((a, b) => a - b)[n >> 1] }))
}

async function ask({ url }, work, id, body = work === 'put' ? text() : undefined) {
  const response = await fetch(new URL(`/${work}?id=${id}`, url), body === undefined ? {} : { method: 'PUT', body })
  const told = await response.text()
  if (told !== (work === 'get' ? '4096' : 'null')) throw new Error(`${work}: ${told}`)
}

function spread(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const [least, median, most] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map((value) => value.toFixed(2))
  return `${median} [${least}–${most}]`
}
