import { readFile } from 'node:fs/promises'

/**
 * Prints the functions in which a .cpuprofile spent most of its time.
 *
 *     node hot.mjs results/profiles/stowage-bulk-insert-10000.cpuprofile [lines]
 *
 * self is the time in the function itself, total with what it called. WebAssembly
 * functions have names only in a module that was linked without -s.
 */
const [file, lines = '30'] = process.argv.slice(2)
const { nodes, samples, timeDeltas } = JSON.parse(await readFile(file, 'utf8'))
const byId = new Map(nodes.map((node) => [node.id, node]))
for (const node of nodes) for (const child of node.children ?? []) byId.get(child).parent = node

const functions = new Map()
let whole = 0
samples.forEach((id, i) => {
  whole += timeDeltas[i]
  count(byId.get(id), timeDeltas[i])
})

for (const { name, self, total } of [...functions.values()].sort((a, b) => b.self - a.self).slice(0, Number(lines))) {
  console.log(`${ms(self)} ms self ${share(self)}  ${ms(total)} ms total ${share(total)}  ${name}`)
}

/** Adds a stretch of time to the function that ran, and once to each of its callers. */
function count(node, time) {
  entry(node).self += time
  const seen = new Set()
  for (let at = node; at; at = at.parent) {
    const found = entry(at)
    if (!seen.has(found)) found.total += time
    seen.add(found)
  }
}

function entry({ callFrame: { functionName, url, lineNumber } }) {
  const name = `${functionName || '(anonymous)'} ${url ? `${url.slice(url.lastIndexOf('/') + 1)}:${lineNumber + 1}` : ''}`
  if (!functions.has(name)) functions.set(name, { name, self: 0, total: 0 })
  return functions.get(name)
}

function ms(microseconds) {
  return (microseconds / 1000).toFixed(1).padStart(8)
}

function share(microseconds) {
  return `${((microseconds / whole) * 100).toFixed(1).padStart(5)} %`
}
