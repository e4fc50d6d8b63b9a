// What must not compile: an expectation that is not met is an error itself, so
// this file compiles only as long as each of these lines would not.
import { bounded, StorageHooks, TableHooks } from 'stowage/policies'
import { compress, count, custom, encrypt, field, memory, modifier, op, open, sum, table, where } from 'stowage'
import { coder } from 'stowage/coders'
import { boolean, hash, service, sortedSet, type Tier } from 'stowage/repositories'
import { many, model, parent, view } from 'stowage/sync'

interface City {
  id: number
  name: string
  country: 'NO' | 'SE'
  population: number
  tags: string[]
  position: { lat: number; lon: number }
  places: { name: string }[]
}

// @ts-expect-error: no such path for the identity
table<City>({ key: 'ident' })
// @ts-expect-error: no such path for an index
table<City>({ key: 'id', indexes: ['position.height'] })
// @ts-expect-error: no such path in a compound index
table<City>({ key: 'id', indexes: [['country', 'size']] })
// @ts-expect-error: no such option
table<City>({ key: 'id', index: ['name'] })
// @ts-expect-error: the table generates what the document does not have
table<City, 'serial'>({ key: '++id' })

export async function refused(): Promise<void> {
  const db = await open('atlas', { driver: memory(), tables: { cities: table<City>({ key: 'id' }), notes: table<{ id: number; text: string }, 'id'>({ key: '++id' }) } })
  const city: City = { id: 1, name: 'Oslo', country: 'NO', population: 1, tags: [], position: { lat: 1, lon: 2 }, places: [] }

  // @ts-expect-error: no such table
  db.towns
  // @ts-expect-error: no such table
  db.table('towns')
  // @ts-expect-error: a member is missing
  db.cities.insert({ id: 1, name: 'Oslo' })
  // @ts-expect-error: a member of another type
  db.cities.put({ ...city, population: 'many' })
  // @ts-expect-error: a value outside of the union
  db.cities.put({ ...city, country: 'DE' })
  // @ts-expect-error: only the identity is generated
  db.notes.insert({ id: 1 })
  // @ts-expect-error: identities are not objects
  db.cities.get({ id: 1 })
  // @ts-expect-error: a patch of another type
  db.cities.update(1, { population: '5' })
  // @ts-expect-error: a patch of what is not there
  db.cities.update(1, { size: 5 })

  // @ts-expect-error: no such path
  db.cities.find(where('size').gt(5))
  // @ts-expect-error: no such nested path
  db.cities.find(where('position.height').gt(5))
  // @ts-expect-error: another type of value
  db.cities.find(where('population').gt('5'))
  // @ts-expect-error: a value outside of the union
  db.cities.find(where('country').eq('DE'))
  // @ts-expect-error: one of the values is outside of the union
  db.cities.find(where('country').in(['NO', 'DE']))
  // @ts-expect-error: one half of a filter has no such path
  db.cities.find(where('country').eq('NO').and(where('size').gt(5)))
  // @ts-expect-error: numbers start with nothing
  db.cities.find(where('population').startsWith('5'))
  // @ts-expect-error: elements of another type
  db.cities.find(where('tags').contains(5))
  // @ts-expect-error: no such operator
  where('name').like('x')

  // @ts-expect-error: no such path, by names
  db.cities.find(where('position', 'height').gt(5))
  // @ts-expect-error: numbers have no text
  db.cities.find(where('population').matches(/5/))
  // @ts-expect-error: lists have no text
  db.cities.find(where('tags').icontains('x'))
  // @ts-expect-error: texts leave no remainder
  db.cities.find(where('name').mod(2, 0))
  // @ts-expect-error: texts have no size
  db.cities.find(where('name').size(2))
  // @ts-expect-error: no such type
  where('name').type('decimal')
  // @ts-expect-error: elements of another type
  db.cities.find(where('tags').any([5]))
  // @ts-expect-error: only lists have elements
  db.cities.find(where('name').all(['x']))
  // @ts-expect-error: elements of another type
  db.cities.find(where('tags').elemMatch(where().gt(5)))
  // @ts-expect-error: elements have no such path
  db.cities.find(where('places').elemMatch(where('height').gt(5)))
  // @ts-expect-error: elements have other values
  db.cities.find(where('places').every(where('name').eq(5)))
  // @ts-expect-error: no such member
  db.cities.find(where().fragment({ size: 5 }))
  // @ts-expect-error: a member of another type
  db.cities.find(where('position').fragment({ lat: '5' }))
  // @ts-expect-error: a function of other values
  db.cities.find(where('population').test((text: string) => text === ''))
  // @ts-expect-error: another argument than the function takes
  where('population').test((n: number, least: number) => n > least, '5')
  // @ts-expect-error: a function of other documents
  db.cities.find(custom((city: { size: number }) => city.size))
  // @ts-expect-error: the function that makes another value takes other ones
  db.cities.find(where('population').map((text: string) => text.length).eq(5))
  // @ts-expect-error: no such path on the other side
  db.cities.find(where('population').gt(field('size')))

  // @ts-expect-error: no such path
  db.cities.find({ size: 5 })
  // @ts-expect-error: another type of value
  db.cities.find({ population: '5' })
  // @ts-expect-error: no such operator
  db.cities.find({ population: { $like: 5 } })
  // @ts-expect-error: another type of operand
  db.cities.find({ population: { $gt: '5' } })
  // @ts-expect-error: numbers start with nothing
  db.cities.find({ population: { $startsWith: '5' } })
  // @ts-expect-error: numbers have no text
  db.cities.find({ population: { $regex: '5' } })
  // @ts-expect-error: numbers have no text
  db.cities.find({ population: /5/ })
  // @ts-expect-error: elements of another type
  db.cities.find({ tags: { $all: [5] } })
  // @ts-expect-error: elements have other members
  db.cities.find({ places: { $elemMatch: { height: 5 } } })
  // @ts-expect-error: texts have no size
  db.cities.find({ name: { $size: 5 } })
  // @ts-expect-error: one of the values is of another type
  db.cities.find({ population: { $nin: [5, '5'] } })
  // @ts-expect-error: the test inside is of another type
  db.cities.find({ population: { $not: { $gt: '5' } } })
  // @ts-expect-error: no such path, nested
  db.cities.find({ $or: [{ size: 5 }] })
  // @ts-expect-error: no such path
  db.cities.find().orderBy('size')
  // @ts-expect-error: no such direction
  db.cities.find().orderBy('name', 'down')
  // @ts-expect-error: no such option
  db.cities.insertMany([city], { progress: () => {} })
  // @ts-expect-error: results are read-only places of T
  ;(await db.cities.find())[0]!.size

  // @ts-expect-error: the name means something on the environment
  open('x', { tables: { close: table<City>({ key: 'id' }) } })
  // @ts-expect-error: an object with this member would be awaited
  open('x', { tables: { then: table<City>({ key: 'id' }) } })
  // @ts-expect-error: no such option
  open('x', { tabels: {} })
  // @ts-expect-error: no such durability
  open('x', { durability: 'none' })
  // @ts-expect-error: a transaction has the same tables
  db.transaction(tx => tx.towns.count())
}

export async function refusedOfTables(): Promise<void> {
  const db = await open('atlas', { driver: memory(), tables: { cities: table<City>({ key: 'id' }) } })

  // @ts-expect-error: no such path
  db.cities.update(1, op.set('size', 5))
  // @ts-expect-error: another type of value
  db.cities.update(1, op.set('population', '5'))
  // @ts-expect-error: a value outside of the union
  db.cities.update(1, op.set('country', 'DE'))
  // @ts-expect-error: texts are not counted
  db.cities.update(1, op.increment('name'))
  // @ts-expect-error: numbers and texts are not added
  db.cities.update(1, op.add('population', 'x'))
  // @ts-expect-error: an element of another type
  db.cities.update(1, op.insert('tags.0', 5))
  // @ts-expect-error: elements of another type
  db.cities.update(1, op.push('tags', 5))
  // @ts-expect-error: numbers have no elements
  db.cities.update(1, op.pull('population', 5))
  // @ts-expect-error: no such member
  db.cities.update(1, op.merge('position', { height: 5 }))
  // @ts-expect-error: one of several has no such path
  db.cities.update(1, [op.increment('population'), op.delete('size')])
  // @ts-expect-error: what is returned is another document
  db.cities.update(1, () => ({ id: 1 }))
  // @ts-expect-error: no such thing to return
  db.cities.update(1, { population: 5 }, { returning: 'documents' })
  // @ts-expect-error: the second change has no such path
  db.cities.updateMany([[op.increment('population'), {}], [op.increment('size'), {}]])
  // @ts-expect-error: no such member
  db.cities.upsert({ size: 5 })
  // @ts-expect-error: a member is missing
  db.cities.replace({ id: 1 })
  // @ts-expect-error: no such kind of identity
  table<City>({ key: 'id', ids: 'snowflake' })
  // @ts-expect-error: instances are other documents
  table<City>({ key: 'id', class: Date })
  // @ts-expect-error: there is no default table
  db.table().insert({})
}

export async function refusedOfStores(): Promise<void> {
  const db = await open('atlas', { driver: memory(), tables: { cities: table<City>({ key: 'id' }) } })
  const records = db.store('records', { key: coder.uint16, value: coder.string })

  // @ts-expect-error: a key of another type
  records.get('5')
  // @ts-expect-error: a value of another type
  records.put(5, 5)
  // @ts-expect-error: without coders, keys are bytes
  db.store('bytes').get('key')
  // @ts-expect-error: bigints are no numbers
  db.store('wide', { key: coder.uint64 }).get(5)
  // @ts-expect-error: keys cannot be compressed
  db.store('packed', { key: coder.string.compressed() })
  // @ts-expect-error: what is compressed is not compressed again
  coder.json.compressed(1).compressed(1)
  // @ts-expect-error: half a coder
  db.store('half', { value: { encode: () => new Uint8Array(0) } })
  // @ts-expect-error: a pair of other types
  records.putMulti([['5', 'five']])
  // @ts-expect-error: no such flag
  db.store('flags', { flags: { integerKey: true } })
  // @ts-expect-error: stages are chosen for everything or for nothing
  db.store('squeezed', { compress: 'deflate' })
  // @ts-expect-error: no such option
  db.store('options', { keys: coder.string })
  // @ts-expect-error: a bound of another type
  records.range({ gte: '5' })
  // @ts-expect-error: without values, a range is of keys
  ;(await records.range({ values: false }))[0]![1]
  // @ts-expect-error: what may be missing
  ;(await records.get(5)).length
  // @ts-expect-error: other coders, other keys
  records.with({ key: coder.string }).get(5)
  // @ts-expect-error: an object has no place in the order
  db.store('tuples', { key: coder.tuple }).get([{}])
  // @ts-expect-error: a transaction ends by itself
  db.transaction(tx => tx.commit())
  // @ts-expect-error: no such option
  db.begin({ readOnly: false })
  // @ts-expect-error: the name means something on a transaction
  open('x', { tables: { commit: table<City>({ key: 'id' }) } })
}

export async function refusedOfResults(): Promise<void> {
  const db = await open('atlas', { driver: memory(), tables: { cities: table<City>({ key: 'id' }) } })

  // @ts-expect-error: no such path to select
  db.cities.find().select('size')
  // @ts-expect-error: no such path to leave out
  db.cities.find().omit('position.height')
  // @ts-expect-error: what was not selected is not there
  ;(await db.cities.find().select('name'))[0]!.population
  // @ts-expect-error: nor is what is beside it
  ;(await db.cities.find().select('position.lat'))[0]!.position.lon
  // @ts-expect-error: what was left out is not there
  ;(await db.cities.find().omit('name'))[0]!.name
  // @ts-expect-error: texts have no sum
  db.cities.find().sum('name')
  // @ts-expect-error: nor a mean
  db.cities.find().avg('position')
  // @ts-expect-error: no such path
  db.cities.find().distinct('size')
  // @ts-expect-error: no such path to group by
  db.cities.find().groupBy('size')
  // @ts-expect-error: no such path in a column
  db.cities.find().groupBy('country').aggregate({ n: count('size') })
  // @ts-expect-error: texts have no sum in a column either
  db.cities.find().groupBy('country').aggregate({ total: sum('name') })
  // @ts-expect-error: a column is made by a function
  db.cities.find().groupBy('country').aggregate({ n: 'count' })
  // @ts-expect-error: a row has no other columns
  ;(await db.cities.find().groupBy('country').aggregate({ n: count() }))[0]!.name
  // @ts-expect-error: it is called skip
  db.cities.find().offset(5)
}

export function policies(): void {
  const on = new TableHooks<City>()
  // @ts-expect-error: there is no such event
  on.hook('drop', () => {})
  // @ts-expect-error: a city has no such member
  on.hook('create', city => city.size)
  // @ts-expect-error: hooks of a table are none of the storage
  new StorageHooks().hook('create', () => {})
  // @ts-expect-error: there is no such kind
  bounded({ kind: 'old', max: 1 })
  // @ts-expect-error: a bound needs a number
  bounded({ kind: 'lru' })
  // @ts-expect-error: a policy is made by stowage/policies
  table<City>({ key: 'id', policies: ['timestamps'] })
  // @ts-expect-error: a table's hooks are a policy of the table
  void open('atlas', { hooks: on })
  // @ts-expect-error: a string is never a key
  encrypt({ key: 'text' })
  // @ts-expect-error: it is one of both
  encrypt({ passphrase: 'any', key: new Uint8Array(32) })
  // @ts-expect-error: there is no such method
  compress('brotli')
  // @ts-expect-error: what is sealed has to be opened
  modifier(7, { seal: (bytes: Uint8Array) => bytes })
  // @ts-expect-error: paths do not lead into a Map
  table<{ id: number; map: Map<string, number> }>({ key: 'id', indexes: ['map.size'] })
}

export async function migrations(): Promise<void> {
  const cities = table<City>({ key: 'id' })
  await open('atlas', {
    tables: { cities },
    version: 2,
    migrate: {
      2: async tx => {
        // @ts-expect-error: no such table
        await tx.towns.count()
        // @ts-expect-error: no such path
        await tx.cities.update({}, op.set('size', 5))
      },
    },
  })
  // @ts-expect-error: versions are numbers
  await open('atlas', { tables: { cities }, version: '2' })
  // @ts-expect-error: steps stand under numbers
  await open('atlas', { tables: { cities }, version: 2, migrate: { two: async () => {} } })
  // @ts-expect-error: a step is a function
  await open('atlas', { tables: { cities }, version: 2, migrate: { 2: 'sql' } })
}

export async function views(): Promise<void> {
  const models = { cities: model<City>({ table: 'cities', key: 'id' }), lands: model<{ code: string }>({ table: 'lands', key: 'code' }) }
  const db = await open('atlas')
  // @ts-expect-error: no such column
  model<City>({ table: 'cities', key: 'ident' })
  // @ts-expect-error: no such column of the other model
  view(db, { models, relations: { lands: { cities: many('cities', 'land') } } })
  // @ts-expect-error: no such column of this model
  view(db, { models, relations: { cities: { land: parent('lands', 'land') } } })
  // @ts-expect-error: no such model
  view(db, { models, relations: { cities: { land: parent('countries', 'country') } } })
  const seen = await view(db, { models, relations: { cities: { land: parent('lands', 'country') } } }).open()
  // @ts-expect-error: no such model
  await seen.countries(1)
  const city = (await seen.cities(1))!
  // @ts-expect-error: it may not be there
  void (await city.land).code
  // @ts-expect-error: objects of a view are not written to
  city.name = 'Oslo'
  // @ts-expect-error: no such relation
  await seen.cities(1, { include: { lands: true } })
  // @ts-expect-error: no such mode
  seen.mode = 'online'
}

export async function repositories(tiers: { fast: Tier; fallback: Tier }): Promise<void> {
  interface Person {
    id: string
    born: number
  }
  const config = { ...tiers, name: 'person', attributes: { id: 'text', born: 'number' } } as const
  // @ts-expect-error: every attribute is something
  hash<Person>({ ...tiers, name: 'person', attributes: { id: 'text' } })
  // @ts-expect-error: a number is no text
  hash<Person>({ ...tiers, name: 'person', attributes: { id: 'text', born: 'text' } })
  // @ts-expect-error: no such attribute
  hash<Person>({ ...config, key: 'name' })
  const people = hash<Person>(config)
  // @ts-expect-error: an attribute is missing
  await people.add({ id: '1' })
  // @ts-expect-error: no such attribute
  people.query('1', { fields: ['name'] })
  // @ts-expect-error: it was not asked for
  void (await people.query('1', { fields: ['id'] }).entity()).born
  // @ts-expect-error: hashes have no scores
  people.query('1', { minScore: 1 })
  // @ts-expect-error: no key is true
  people.query(true)
  // @ts-expect-error: a fallback is missing
  sortedSet({ name: 'set', fast: tiers.fast })
  // @ts-expect-error: booleans have no fields
  boolean({ ...tiers, name: 'paid' }).query('1', { fields: ['id'] })
  // @ts-expect-error: no such option
  service(people, { cache: { size: 1 } })
}

export async function statements(): Promise<void> {
  const db = await open('atlas')
  // @ts-expect-error: rows are of the type that was named
  const named: { title: string }[] = await db.sql<{ name: string }>`SELECT name FROM cities`
  // @ts-expect-error: there may be no row
  const first: { name: string } = await db.sql<{ name: string }>`SELECT name FROM cities`.first()
  // @ts-expect-error: a statement has no filter
  db.sql`SELECT 1`.where({})
  void [named, first]
}
