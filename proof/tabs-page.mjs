/*
 * The page of tabs.mjs, which calls what it offers. Each of the tabs adds one to a
 * counter that all share, and in the same transaction to one of its own; every tenth
 * of these writes to the next tab's table too, and between them single calls write to the one after that.
 */
import { open, table } from './index.js'

const tables = { counts: table({ key: 'id' }), bulk: table({ key: 'id' }) }
for (let n = 0; n < 8; n++) tables[`of${n}`] = table({ key: 'id', indexes: ['from'] })

let db
let number // of this tab

globalThis.tab = {
  async open(name, asNumber, worker) {
    number = asNumber
    db = await open(name, { tables, worker })
  },

  close: () => db.close(),

  /** Counts so often. Where it is loud, each commit is told. */
  async count(times, loud) {
    const { n: before } = (await db.counts.get(number)) ?? { n: 0 }
    for (let i = before + 1; i <= before + times; i++) {
      if (i % 10 === 5) await db.table(of(number + 2)).insert({ id: `${number}/${i}`, from: number })
      await db.transaction(async (tx) => {
        await addOne(tx, 'all')
        const own = await addOne(tx, number)
        if (own !== i) throw new Error(`${own - 1} of this tab were counted when it had counted ${i - 1}`)
        if (i % 10 === 0) await tx.table(of(number + 1)).insert({ id: `${number}/${i}`, from: number })
      })
      if (loud) void tell('/done', { number, count: i })
    }
  },

  /** Leaves much to be folded, scattered over what is there. */
  async fill() {
    for (let i = 0; i < 30; i++) {
      await db.bulk.putMany(Array.from({ length: 60 }, (_, j) => ({ id: (i + 31 * j) % 2000, text: `${i}`.repeat(250) })))
    }
  },

  /**
   * Folds. Before it asks for a transaction of its database for the nth time it tells, and
   * stands still until it is answered. Returns how often it asked.
   */
  async fold(stand) {
    const { transaction } = IDBDatabase.prototype
    let n = 0
    IDBDatabase.prototype.transaction = function (...given) {
      if (++n === stand) standStill()
      return transaction.apply(this, given)
    }
    try {
      await db.checkpoint()
      return n
    } finally {
      IDBDatabase.prototype.transaction = transaction
    }
  },

  /** What there is, at one moment: the counters, and whose writes each table has. */
  look: () =>
    db.transaction(async (tx) => {
      const counts = Object.fromEntries((await tx.counts.find()).map(({ id, n }) => [id, n]))
      const rows = []
      for (let n = 0; n < 8; n++) rows.push((await tx.table(of(n)).find()).map(({ id }) => id))
      return { counts, rows, bulk: await tx.bulk.count() }
    }, { readOnly: true, latest: true }),

  problems: async () => (await db.check()).problems,

  /** Keeps this thread busy for so many milliseconds. */
  spin(time) {
    for (const end = performance.now() + time; performance.now() < end; );
  },
}

const of = (n) => `of${n % 8}`

async function addOne(tx, id) {
  const n = ((await tx.counts.get(id))?.n ?? 0) + 1
  await tx.counts.put({ id, n })
  return n
}

function standStill() {
  const request = new XMLHttpRequest()
  request.open('POST', '/moment', false)
  request.send('{}')
}

function tell(path, what) {
  return fetch(path, { method: 'POST', body: JSON.stringify(what), keepalive: true })
}
