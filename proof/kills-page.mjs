/*
 * The page that is killed: see kills.mjs. It looks at what is there, tells, and
 * writes until it dies. Commits have numbers that only grow; each puts one document
 * into each of two tables.
 */
import { open, table } from './index.js'

const number = { key: 'number', indexes: ['kind'] }
const problems = []

async function main() {
  const canary = await openCanary()
  const found = { canary: await canary.last(), strict: 0, relaxed: 0, state: undefined, problems }
  let db
  try {
    db = await open('kills', { tables: { left: table(number), right: table(number) } })
    Object.assign(found, await look(db))
  } catch (error) {
    found.error = `${error.code}: ${error.message}`
    found.state = error.code
  }
  await tell('/found', found)
  if (db !== undefined) await write(db, canary).catch((error) => tell('/stopped', { error: String(error) }))
}

/** What an environment holds, and what is wrong with it. */
async function look(db) {
  const left = await db.left.find().orderBy('number')
  const right = await db.right.find().orderBy('number')
  if (JSON.stringify(left) !== JSON.stringify(right)) problems.push('a commit is there in part')
  const { problems: inside } = await db.check()
  problems.push(...inside)
  holes(left)
  const last = (kind) => left.findLast((document) => document.kind === kind)?.number ?? 0
  const health = await db.health?.()
  return { strict: last('strict'), relaxed: last('relaxed'), state: health?.state ?? 'ok' }
}

/** Numbers follow one another within a round: each document names the one before it. */
function holes(documents) {
  const there = new Set(documents.map(({ number }) => number))
  for (const { number, after } of documents) {
    if (after !== null && !there.has(after)) problems.push(`commit ${number} is there, ${after} before it is not`)
  }
}

async function write(db, canary) {
  let after = null
  for (let at = Number(new URLSearchParams(location.search).get('from')); ; at++) {
    const durability = at % 3 === 0 ? 'relaxed' : 'strict'
    const document = { number: at, kind: durability, after, text: 'x'.repeat(at % 400) }
    await db.transaction(async (tx) => {
      await tx.left.insert(document)
      await tx.right.insert(document)
    }, { durability })
    void tell('/done', { kind: durability, number: at })
    after = at
    if (at % 5 === 0) {
      await canary.put(at)
      void tell('/done', { kind: 'canary', number: at })
    }
  }
}

/** A database without Stowage: what it loses, the browser lost. */
async function openCanary() {
  const db = await settled(Object.assign(indexedDB.open('canary', 1), {
    onupgradeneeded: (event) => event.target.result.createObjectStore('numbers'),
  }))
  return {
    put: (at) => new Promise((resolve, reject) => {
      const transaction = db.transaction('numbers', 'readwrite', { durability: 'strict' })
      transaction.objectStore('numbers').put(at, at)
      transaction.oncomplete = resolve
      transaction.onabort = () => reject(transaction.error)
    }),
    last: async () => (await settled(db.transaction('numbers').objectStore('numbers').getAllKeys())).at(-1) ?? 0,
  }
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

function tell(path, what) {
  return fetch(path, { method: 'POST', body: JSON.stringify(what), keepalive: true })
}

main().catch((error) => tell('/found', { canary: 0, strict: 0, relaxed: 0, state: undefined, error: String(error), problems }))
