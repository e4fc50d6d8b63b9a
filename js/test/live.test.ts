import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'

import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { type Change, custom, type Find, memory, open, StowageError, table, where } from 'stowage'
import { live } from 'stowage/live'
import { useLive } from 'stowage/react'

import { openPlaces, place, type Place, placesFrom } from './places.js'
import { seeded } from './random.js'

/** A listener, and what it was told: each telling can be waited for. */
function listener<T>() {
  const told: { documents: readonly T[]; change: Change<T> }[] = []
  const waiting = new Map<number, () => void>()
  return {
    told,
    listen(documents: readonly T[], change: Change<T>) {
      told.push({ documents, change })
      waiting.get(told.length)?.()
    },
    /** What it was told the n-th time. */
    async nth(n: number): Promise<{ documents: readonly T[]; change: Change<T> }> {
      if (told.length < n) await new Promise<void>(resolve => waiting.set(n, resolve))
      return told[n - 1]!
    },
  }
}

/** An engine as it is behind an environment, to look on and to break. */
interface Inner {
  request(op: number, length: number, ...rest: number[]): { string(text: string): unknown }
  run(frame: unknown, decode: () => void): Promise<void>
}

const engineOf = (db: unknown) => (db as { session: { ready(): Promise<Inner> } }).session.ready()

/** Counts from now on how often live queries wait to be asked again. */
async function asking(db: unknown): Promise<() => number> {
  const engine = await engineOf(db)
  const { request } = engine
  let count = 0
  engine.request = function (op, ...rest) {
    if (op === 67) count++
    return request.call(this, op, ...rest)
  }
  return () => count
}

/** Ends the engine's instance. */
async function lose(db: unknown): Promise<void> {
  const engine = await engineOf(db)
  return engine.run(engine.request(127, 4, 0, 0).string('exit'), () => {})
}

const ids = (documents: readonly Place[]) => documents.map(({ id }) => id)

test('a live query tells its result, and again when that has changed', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 20))
  const { listen, nth, told } = listener<Place>()
  const stop = db.places.find().orderBy('id').limit(3).subscribe(listen, { total: true })
  const first = await nth(1)
  assert.deepEqual(ids(first.documents), [1, 2, 3])
  assert.equal(first.change.total, 20)
  assert.deepEqual(ids(first.change.added), [1, 2, 3])

  await db.places.update(2, { name: 'Other' })
  const second = await nth(2)
  assert.equal(second.documents[1]!.name, 'Other')
  assert.equal(second.documents[0], first.documents[0], 'what has not changed is the same object')
  assert.deepEqual(second.change.updated.map(([now, before]) => [now.name, before.name]), [['Other', 'Place 2']])
  assert.deepEqual([second.change.added, second.change.removed], [[], []])

  await db.transaction(async tx => {
    await tx.places.delete(1)
    await tx.places.delete(20)
  })
  const third = await nth(3)
  assert.deepEqual(ids(third.documents), [2, 3, 4])
  assert.deepEqual([ids(third.change.added), ids(third.change.removed), third.change.total], [[4], [1], 18])

  stop()
  await db.places.delete(2)
  await db.close()
  assert.equal(told.length, 3, 'nothing is told after the end')
})

test('whatever is written, live queries tell what their queries find', async t => {
  const random = seeded(t)
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 40))
  const { places } = db
  const finds = [
    places.find(),
    places.find().orderBy('population', 'desc').limit(5),
    places.find({ country: 'NO' }).orderBy('population').limit(6),
    places.find(where('country').in(['SE', 'DK'])).orderBy('population').skip(2).limit(6),
    places.find(where('name').startsWith('Place').and(where('population').gt(3000))),
    places.find(where('tags').any(['t1', 'u3'])),
    places.find(where('id').between(10, 20)).select('id', 'name'),
  ]
  const shown = finds.map(find => {
    const known = { find: find as Find<unknown>, documents: undefined as unknown, told: () => {} }
    known.find.subscribe(documents => {
      known.documents = documents
      known.told()
    })
    return known
  })
  for (let i = 0; i < 15; i++) {
    for (const _ of random.list(3, () => 0, 1)) {
      const id = 1 + random.below(40)
      const change = random.one<() => Promise<unknown>>([
        () => places.update(id, { name: random.one(['Place', 'Other']) + random.below(9) }),
        () => places.update(id, { name: `Place ${random.below(9)}` }),
        () => places.update(id, { country: random.one(['NO', 'SE', 'DK']) }),
        () => places.update(where('country').eq('NO'), { name: `Place ${random.below(99)}` }),
        () => places.update(id, { population: random.below(10_007), tags: random.list(2, () => `t${random.below(3)}`) }),
        () => places.delete(id),
        () => places.put(place(id)),
      ])
      await change()
    }
    for (const known of shown) {
      const found = await known.find // before a look at what was told meanwhile
      while (!isDeepStrictEqual(known.documents, found)) await new Promise<void>(resolve => (known.told = resolve))
    }
  }
  await db.close()
})

test('a live query is asked again only when something that it read has changed', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 100))
  const { listen, nth, told } = listener<Place>()
  const stop = db.places.find(where('position.lat').between(-60, -50)).subscribe(listen)
  await nth(1)
  const asked = await asking(db)
  await new Promise(resolve => setTimeout(resolve, 40))
  const before = asked()
  await db.places.update(50, { name: 'Elsewhere' })
  await db.notes.insert({ text: 'another table' })
  await db.places.insert(place(150))
  await new Promise(resolve => setTimeout(resolve, 60))
  assert.equal(asked(), before)
  await db.places.insert(place(180 + 35))
  await nth(2)
  await new Promise(resolve => setTimeout(resolve, 60))
  assert.equal(asked(), before + 1)
  assert.equal(told.length, 2)
  stop()
  await db.close()
})

test('many commits within a frame are told together', async () => {
  const db = await openPlaces()
  const { listen, nth, told } = listener<Place>()
  const stop = db.places.find().subscribe(listen)
  await nth(1)
  for (let id = 1; id <= 200; id++) await db.places.insert(place(id))
  while (told.at(-1)!.documents.length < 200) await nth(told.length + 1)
  assert.ok(told.length < 100, `told ${told.length} times of 200 commits`)
  stop()
  await db.close()
})

test('listeners share one query; what one of them throws is its own', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 3))
  const shared = live(db.places.find())
  const thrown: unknown[] = []
  globalThis.reportError = error => void thrown.push(error)
  const a = listener<Place>()
  const b = listener<Place>()
  const stops = [
    shared.subscribe(() => {
      throw new Error('of a listener')
    }),
    shared.subscribe(a.listen),
    shared.subscribe({ next: b.listen }),
  ]
  assert.equal(shared.getSnapshot().pending, true)
  const [first, same] = [await a.nth(1), await b.nth(1)]
  assert.equal(first.documents, same.documents)
  assert.match(String(thrown), /^Error: of a listener$/)
  assert.equal(shared.getSnapshot().documents, first.documents)

  const late = listener<Place>()
  stops.push(shared.subscribe(late.listen))
  assert.equal(late.told.length, 1, 'who comes late is told at once')
  for (const stop of stops) stop()
  await db.places.insert(place(4))
  const again = listener<Place>()
  const stop = shared.subscribe(again.listen)
  assert.equal((await again.nth(1)).documents.length, 4, 'it begins anew with the next listener')
  stop()
  await db.close()
})

test('a signal ends a live query', async () => {
  const db = await openPlaces()
  const { listen, nth, told } = listener<Place>()
  const end = new AbortController()
  db.places.find().subscribe(listen, { signal: end.signal })
  await nth(1)
  end.abort()
  await db.places.insert(place(1))
  await new Promise(resolve => setTimeout(resolve, 40))
  assert.equal(told.length, 1)
  db.places.find().subscribe(listen, { signal: end.signal })
  await new Promise(resolve => setTimeout(resolve, 40))
  assert.equal(told.length, 1)
  await db.close()
})

test('a live query goes on with another engine when one is lost', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 3))
  const { listen, nth } = listener<Place>()
  const stop = db.places.find().subscribe(listen)
  await nth(1)
  await assert.rejects(lose(db))
  assert.deepEqual(ids((await nth(2)).documents), [1, 2, 3])
  await db.places.insert(place(4))
  assert.deepEqual(ids((await nth(3)).documents), [1, 2, 3, 4])
  stop()
  await db.close()
})

test('what a live query fails with is told', async () => {
  const db = await openPlaces()
  const failed = new Promise<StowageError>(resolve => {
    db.places.find().after(1, 2, 3).subscribe({ error: resolve })
  })
  assert.equal((await failed).code, 'invalid_query')
  assert.throws(() => live(db.places.find(), { totl: true } as never), { code: 'invalid_option' })
  await db.transaction(async tx => {
    assert.throws(() => live(tx.places.find()), { code: 'invalid_option' })
  })
  await db.close()
})

test('what a function of a live query throws is the cause of its failure', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 3))
  const thrown = new TypeError('mine')
  const failed = new Promise<StowageError>(resolve => {
    db.places.find(custom(() => { throw thrown })).subscribe({ next: assert.fail, error: resolve })
  })
  const error = await failed
  assert.ok(error instanceof StowageError)
  assert.deepEqual([error.code, error.cause], ['invalid_query', thrown])
  await db.close()
})

test('many live queries and calls with one signal do not look like a leak', async () => {
  const warnings: Error[] = []
  const warned = (warning: Error) => warnings.push(warning)
  process.on('warning', warned)
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 20))
  const { signal } = new AbortController()
  await Promise.all(Array.from({ length: 20 }, (_, n) => new Promise<unknown>(resolve => db.places.find({ id: n }).subscribe(resolve, { signal }))))
  await Promise.all(Array.from({ length: 20 }, () => db.transaction(async tx => tx.places.count(), { signal })))
  await new Promise(resolve => setTimeout(resolve)) // warnings come a tick later
  await db.close()
  process.off('warning', warned)
  assert.deepEqual(warnings, [])
})

test('documents are copies; listeners share theirs, frozen where that is asked for', async () => {
  const db = await openPlaces()
  await db.places.insert(place(1))
  const find = () => db.places.find()
  const [one] = await find()
  one!.name = 'mine'
  assert.notEqual((await find())[0]!.name, 'mine')
  const told = async (isolation?: 'shared' | 'frozen') => {
    const { listen, nth } = listener<Place>()
    const other = listener<Place>()
    const places = live(find(), { isolation })
    places.subscribe(listen)
    const { documents } = await nth(1)
    places.subscribe(other.listen)
    assert.equal((await other.nth(1)).documents[0], documents[0])
    return documents
  }
  const [shared] = await told()
  shared!.name = 'changed by a listener'
  assert.notEqual((await find())[0]!.name, shared!.name)
  const frozen = await told('frozen')
  assert.throws(() => (frozen as Place[]).push(shared!), TypeError)
  assert.throws(() => (frozen[0]!.name = 'other'), TypeError)
  for (const part of Object.values(frozen[0]!)) assert.ok(Object.isFrozen(part))
  assert.throws(() => live(find(), { isolation: 'copied' } as never), { code: 'invalid_option' })
  await db.close()
})

test('what cannot be watched is refused where that is asked for', async () => {
  const db = await openPlaces()
  const places = db.places.find()
  assert.throws(() => places.subscribe(() => {}, { totl: true } as never), { code: 'invalid_option' })
  assert.throws(() => places.subscribe(() => {}, { signal: 5 } as never), { code: 'invalid_option' })
  for (const listener of [undefined, null, 5, { next: 5 }, { error: 'no' }] as never[]) {
    assert.throws(() => places.subscribe(listener), { code: 'invalid_argument' })
    assert.throws(() => live(places).subscribe(listener), { code: 'invalid_argument' })
  }
  await db.transaction(async tx => {
    assert.throws(() => tx.places.find().subscribe(() => {}), { code: 'invalid_option' })
  })
  await db.close()
})

test('a live query of an environment that is closed tells that', async () => {
  const db = await openPlaces()
  const places = live(db.places.find())
  await new Promise<void>(resolve => {
    places.subscribe(() => resolve())
  })
  await db.close()
  for (const watched of [places, live(db.places.find()), db.places.find()]) {
    const failed = new Promise<StowageError>(resolve => {
      watched.subscribe({ error: resolve })
    })
    assert.equal((await failed).code, 'closed')
  }
})

test('closing the environment ends its live queries without an error', async () => {
  const db = await open('places', { driver: memory(), tables: { places: table<Place>({ key: 'id' }) } })
  const { listen, nth, told } = listener<Place>()
  db.places.find().subscribe({ next: listen, error: assert.fail })
  await nth(1)
  await db.close()
  await new Promise(resolve => setTimeout(resolve, 40))
  assert.equal(told.length, 1)
})

test('a component that is rendered on a server shows that nothing is known', async () => {
  const db = await openPlaces()
  const Shown = () => {
    const { documents, pending } = useLive(() => db.places.find(), [])
    return createElement('p', null, `${documents.length} ${pending}`)
  }
  assert.equal(renderToString(createElement(Shown)), '<p>0 true</p>')
  const Opening = () => createElement('p', null, String(useLive(() => undefined, []).pending))
  assert.equal(renderToString(createElement(Opening)), '<p>true</p>')
  await db.close()
})
