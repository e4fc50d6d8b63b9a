/*
 * The page of damage.mjs: fills an environment, or looks at what damage has left of it.
 * Every commit puts one document, whose contents follow from its number.
 */
import { open, table } from './index.js'

const documents = 400
const tables = { documents: table({ key: 'number' }) }

async function main() {
  const found = new URLSearchParams(location.search).has('fill') ? await fill() : await look()
  await tell(found)
}

/** Most of it in pages, the rest in the log. */
async function fill() {
  const db = await open('damage', { tables, durability: 'strict' })
  for (let number = 1; number <= documents; number++) {
    await db.documents.insert({ number, text: text(number) })
    if (number === documents * 0.75) await db.checkpoint()
  }
  const { state } = await db.health()
  await db.close()
  return { state, numbers: documents, problems: [] }
}

/** What opening says, what is there, and whether reading or checking names what is wrong. */
async function look() {
  const found = { state: undefined, error: undefined, numbers: 0, wrong: undefined, problems: [] }
  try {
    const db = await open('damage', { tables, onState: (state) => (found.state = state) })
    found.problems = (await db.check()).problems
    const there = await db.documents.find().orderBy('number')
    found.numbers = there.length
    const wrong = there.findIndex((document, i) => document.number !== i + 1 || document.text !== text(i + 1))
    if (wrong >= 0) found.wrong = `document ${there[wrong].number} at place ${wrong + 1}`
  } catch (error) {
    found.error = error.code ?? String(error)
  }
  return found
}

/** Eight thousand characters that do not compress, so that LevelDB has more than one file. */
function text(number) {
  let state = number
  let all = ''
  while (all.length < 8000) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    all += state.toString(36)
  }
  return all
}

function tell(what) {
  return fetch('/found', { method: 'POST', body: JSON.stringify(what) })
}

main().catch((error) => tell({ error: String(error), numbers: 0, problems: [] }))
