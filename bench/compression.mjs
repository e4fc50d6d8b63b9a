// Compares what could compress pages: how far, how fast in WASM, and how many bytes it would add to
// the module as it is downloaded. The table in RATIONALE.md comes from here.
//
//   node bench/compression.mjs [speed|size]    from the folder of the project, with Go, after make data

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { brotliCompressSync, constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { place } from './documents.mjs'
import { Random } from './random.mjs'

const only = process.argv[2]
const seed = Number(process.env.SEED ?? 1)
const folder = mkdtempSync(join(tmpdir(), 'stowage-'))
try {
  if (only !== 'size') {
    console.log(`seed ${seed}`)
    writeDocuments()
    table(['documents', 'codec', 'of plain', 'pack MB/s', 'open MB/s'], [...measuredInGo(), ...(await measuredInHost())].map(row))
  }
  if (only !== 'speed') table(['codec', 'kB more to download'], addedToModule())
} finally {
  rmSync(folder, { recursive: true })
}

/** Cities of the demo; documents of 357 bytes; and some that cannot be compressed. */
function writeDocuments() {
  const data = 'web-demo/data/world'
  const rows = readdirSync(data).filter((file) => /^cities-0[0-4]/.test(file)).flatMap((file) => JSON.parse(readFileSync(join(data, file), 'utf8')))
  const city = ([id, name, country, feature, region, population, lat, lon]) => ({ id, name, country, feature, region, population, lat, lon })
  const random = new Random(seed, 0)
  const noise = (id) => ({ id, name: `${id}`, bytes: Buffer.from(Array.from({ length: 340 }, () => random.below(256))).toString('base64') })
  write('atlas', rows.map(city))
  write('places', Array.from({ length: 10_000 }, (_, id) => place(seed, id)))
  write('random', Array.from({ length: 5000 }, (_, id) => noise(id)))
}

function write(name, documents) {
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(documents))
}

function go(args, env = {}) {
  return execFileSync('go', args, { env: { ...process.env, ...env }, encoding: 'utf8', maxBuffer: 1 << 26 })
}

/** The codecs of Go, in WASM. */
function measuredInGo() {
  const runner = join(go(['env', 'GOROOT']).trim(), 'lib/wasm/go_js_wasm_exec')
  const lines = go(['run', `-exec=${runner}`, './bench/codecs', folder], { GOOS: 'js', GOARCH: 'wasm' })
  return lines.trim().split('\n').map((line) => JSON.parse(line))
}

/** What the host has: deflate, by node:zlib and by CompressionStream. */
async function measuredInHost() {
  const stream = (Kind) => async (bytes) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new Kind('deflate-raw'))).arrayBuffer())
  const codecs = { 'node:zlib deflate 6': [deflateRawSync, inflateRawSync], CompressionStream: [stream(CompressionStream), stream(DecompressionStream)] }
  const results = []
  for (const documents of ['atlas', 'places', 'random']) {
    const pages = readPages(join(folder, `${documents}.pages`))
    for (const [codec, [pack, open]] of Object.entries(codecs)) results.push({ documents, codec, ...(await measure(pages, pack, open)) })
  }
  return results
}

function readPages(file) {
  const bytes = readFileSync(file)
  const pages = []
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) pages.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at)))
  return pages
}

/** As the Go program does: what does not save an eighth counts as it is. */
async function measure(pages, pack, open) {
  let packed
  const packing = await seconds(async () => (packed = await Promise.all(pages.map(async (page) => pack(page)))))
  const opening = await seconds(() => Promise.all(packed.map(async (bytes) => open(bytes))))
  const plain = pages.reduce((sum, page) => sum + page.length, 0)
  const kept = pages.map((page, i) => (packed[i].length <= page.length - (page.length >> 3) ? packed[i] : page))
  return { plain, packed: kept.reduce((sum, bytes) => sum + bytes.length, 0), pack: plain / packing, open: plain / opening }
}

async function seconds(f) {
  const repeated = async (least) => {
    const begun = performance.now()
    for (let n = 1; ; n++) {
      await f()
      if (performance.now() - begun > least) return (performance.now() - begun) / n / 1000
    }
  }
  await repeated(500)
  return repeated(500)
}

/** The module with a codec that nothing calls but everything could. */
function addedToModule() {
  const codecs = {
    's2, which it has': '',
    zstd: probe('github.com/klauspost/compress/zstd', 'codec.NewWriter(nil); codec.NewReader(nil); new(codec.Encoder).EncodeAll(nil, nil); new(codec.Decoder).DecodeAll(nil, nil)'),
    deflate: probe('compress/flate', 'codec.NewWriter(nil, 6); codec.NewReader(nil)'),
    brotli: probe('github.com/andybalholm/brotli', 'codec.NewWriterLevel(nil, 5).Write(nil); codec.NewReader(nil).Read(nil)'),
  }
  let base = 0
  return Object.entries(codecs).map(([codec, source]) => {
    const [file, overlay, module] = ['probe.go', 'overlay.json', 'module.wasm'].map((name) => join(folder, name))
    writeFileSync(file, source)
    writeFileSync(overlay, JSON.stringify({ Replace: source && { [resolve('wasm/probe.go')]: file } || {} }))
    go(['run', './wasm/build', '-o', module], { GOFLAGS: `-overlay=${overlay}` })
    const bytes = readFileSync(module)
    const size = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } }).length
    base ||= size
    return [codec, kB(size - base)]
  })
}

function probe(path, calls) {
  return `package main

import (
	"runtime"

	codec "${path}"
)

func init() {
	if runtime.NumGoroutine() > 1<<30 { // never, but the linker cannot know
		${calls}
	}
}
`
}

function kB(bytes) {
  return (bytes / 1000).toFixed(1)
}

function speed(bytes) {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)
}

function row({ documents, codec, plain, packed, pack, open }) {
  return [documents, codec, `${((packed / plain) * 100).toFixed(1)} %`, speed(pack), speed(open)]
}

function table(head, rows) {
  for (const cells of [head, head.map(() => '---'), ...rows]) console.log(`| ${cells.join(' | ')} |`)
  console.log()
}
