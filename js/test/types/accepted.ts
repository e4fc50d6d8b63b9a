// What must compile. It is never run.
import { compress, count, custom, encrypt, field, first, max, memory, modifier, noop, op, open, sum, table, where, type Coder, type Key, type Store, type StowageError } from 'stowage'
import { coder } from 'stowage/coders'
import { live } from 'stowage/live'
import { bounded, expiring, StorageHooks, TableHooks, timestamps, validated, type StandardSchema } from 'stowage/policies'
import { boolean, geo, hash, over, ring, service, sortedSet } from 'stowage/repositories'
import { structures } from 'stowage/structures'
import { many, model, one, parent, through, view } from 'stowage/sync'

interface City {
  id: number
  name: string
  country: 'NO' | 'SE'
  population: number
  founded?: Date
  tags: string[]
  position: { lat: number; lon: number; places: { name: string }[] }
  parent: string | null
}

export async function accepted(): Promise<void> {
  const db = await open('atlas', {
    driver: memory(),
    tables: {
      cities: table<City>({ key: 'id', indexes: ['country', ['country', 'population'], '*tags', '&name', 'position.lat', { paths: ['name', 'country'], unique: true }] }),
      notes: table<{ id: number; text: string }, 'id'>({ key: '++id' }),
      loose: table({ key: 'anything.at.all', indexes: ['a', '*b'] }),
    },
  })
  const city: City | undefined = await db.cities.get(1)
  const many: (City | undefined)[] = await db.cities.getMany([1, 2n, 'x', new Date()])
  const all: City[] = await db.cities.find(where('country').eq('NO').and(where('population').gt(1e5))).orderBy('position.lat', 'desc').limit(20)
  await db.cities.find({ country: 'NO', population: { $gt: 1e5 }, 'position.lat': { $between: [1, 2] }, tags: { $contains: 'x' } })
  await db.cities.find({ $or: [{ name: { $startsWith: 'O' } }, { $not: { founded: { $exists: true } } }] })
  await db.cities.find(where('tags').contains('x').or(where('name').contains('x')).or(where('founded').lt(new Date())))
  await db.cities.find(where('position.places.0.name').eq('x').and(where('parent').eq(null)).and(where('position').exists()))
  await db.cities.find(where('country').in(['NO', 'SE']))
  await db.cities.find(where('position', 'lat').gt(1).and(where('tags', 0).eq('x')).and(where().fragment({ country: 'NO', population: 5 })))
  await db.cities.find(where('name').matches(/O/).or(where('name').icontains('x')).or(where('country').endsWith('O')))
  await db.cities.find(where('population').mod(2, 0).or(where('tags').size(2)).or(where('founded').type('date')))
  await db.cities.find(where('tags').any(['x', 'y']).or(where('tags').all(new Set(['x']))).or(where('tags').elemMatch(where().startsWith('x'))))
  await db.cities.find(where('position.places').elemMatch(where('name').eq('x').and(where('name').search('y', 'i'))))
  await db.cities.find(where('position').fragment({ lat: 1 }))
  await db.cities.find(where('population').test((n: number, least: number) => n > least, 5).or(custom((city: City) => city.name === 'x')))
  await db.cities.find(where('population').map((n: number) => `${n}`).at('length').gt(5).and(where('position.lat').gt(field('position.lon'))))
  await db.cities.find(where('country').oneOf(['NO']).and(noop()))
  await db.cities.find({ name: /O/, country: { $regex: '^N', $options: 'i' }, tags: { $all: ['x'], $size: 2, $elemMatch: { $startsWith: 'x' } } })
  await db.cities.find({ 'position.places': { $elemMatch: { name: 'x' } }, population: { $mod: [2, 0], $nin: [5, null], $not: { $gt: 5 } } })
  await db.cities.find({ $nor: [{ founded: { $type: ['date', 'null'] } }], position: { $fragment: { lat: 1 } } })
  await db.cities.update(1, { population: 5 })
  await db.cities.update(where('id').eq(1), { country: 'SE' })
  await db.notes.insert({ text: 'x' })
  await db.notes.insert({ id: 5, text: 'x' })
  await db.loose.insert({ whatever: [1, 2, 3] })
  await db.loose.find({ 'any.path': { $gt: 'x' } }).orderBy('whatever')
  await db.loose.find(where('any.path').eq(5))
  for await (const found of db.cities.find()) found.position.lat.toFixed()
  const counted: number = await db.transaction(async tx => (await tx.cities.count()) + (await tx.table('notes').count({ text: 'x' })))
  const name: string = db.table('cities').name
  const report: { problems: string[] } = await db.check()
  const code = (error: StowageError) => error.code === 'not_found'
  void [city, many, all, counted, name, report, code]
}

class Town {
  constructor(
    readonly id: string,
    readonly visits: number,
  ) {}
}

export async function acceptedOfTables(): Promise<void> {
  const db = await open('atlas', {
    driver: memory(),
    tables: {
      cities: table<City>({ key: 'id' }),
      events: table<{ id: string; text: string }, 'id'>({ key: 'id', ids: 'ulid' }),
      towns: table<Town>({ key: 'id', ids: { next: () => 'x' }, class: Town }),
      loose: table({ key: 'id' }),
      _default: table({ key: '++id' }),
    },
  })
  await db.cities.update(1, op.set('country', 'SE'))
  await db.cities.update({ country: 'NO' }, [op.increment('population'), op.add('name', '!'), op.push('tags', 'x', 'y'), op.add('tags', ['z'])])
  await db.cities.update(1, [op.merge('position', { lat: 5 }), op.set('position.places.0.name', 'x'), op.pull('tags', 'x'), op.delete('founded')])
  await db.cities.update(1, [op.min('population', 5), op.max('founded', new Date()), op.set('parent', null), op.rename('position.lat', 'latitude'), op.insert('tags.0', 'x')])
  await db.cities.update(1, city => void city.tags.push('x'))
  await db.cities.update(1, async city => ({ ...city, name: 'x' }))
  await db.loose.update(1, [op.increment('any.path'), op.push('other', 1)])
  const ids: Key[] = await db.cities.update({}, { population: 5 }, { returning: 'ids' })
  const gone: Key[] = await db.cities.deleteMany([1], { returning: 'ids' })
  const counted: number = await db.cities.update(where('id').eq(1), op.decrement('population'))
  const pairs: Key[] = await db.cities.updateMany([[op.increment('population'), { country: 'NO' }], [{ name: 'x' }, where('id').eq(1)]])
  const upserted: Key[] = await db.cities.upsert({ id: 1, name: 'x' }, { country: 'NO' })
  await db.events.insert({ text: 'x' })
  const visits: number | undefined = (await db.towns.get('x'))?.visits
  const there: boolean = (await db.cities.contains(1)) || (await db.cities.contains({ country: 'NO' }))
  for await (const found of db.cities.all()) found.tags.length.toFixed()
  await db.table().insert({ anything: 1 })
  const names: string[] = await db.tables()
  void [ids, gone, counted, pairs, upserted, visits, there, names]
}

export async function acceptedOfStores(): Promise<void> {
  const db = await open('atlas', { driver: memory(), tables: { cities: table<City>({ key: 'id' }) } })
  const bytes: Store<Uint8Array, Uint8Array> = db.store()
  const raw: Uint8Array | undefined = await bytes.get(new Uint8Array(1))
  const records = db.store('records', { key: coder.uint16, value: coder.messagePack.compressed(9), flags: { reverseKey: true }, create: false })
  await db.store('secrets', { value: coder.string, compress: 'none' }).delete(new Uint8Array(1))
  table<City>({ key: 'id', compress: 'none' })
  await records.put(5, { anything: 'goes' }, { overwrite: false })
  const cities = db.store<string, City>('cities', { key: coder.string, value: coder.json })
  const city: City | undefined = await cities.get('oslo')
  const name: string | number = (await db.store('names', { key: coder.uint64, value: coder.string }).get(5n, 0))
  const found: Map<string, City | undefined> = await cities.getMulti(['oslo', 'bergen'])
  const { consumed, added }: { consumed: number; added: number } = await cities.putMulti(found as Map<string, City>)
  const renamed: Store<number, City> = cities.with({ key: coder.uint32 })
  const revalued: Store<string, string> = cities.with({ value: coder.text('latin1') })
  for await (const [key, value] of cities.range({ gte: 'a', reverse: true, limit: 5 })) key.concat(value.name)
  const keys: string[] = await cities.range({ prefix: 'a', values: false })
  const values: City[] = await cities.range({ keys: false })
  const mine: Coder<Date> = { encode: date => new Uint8Array(date.getTime()), decode: () => new Date() }
  await db.store('dates', { key: mine, value: coder.custom<Date>(mine).compressed() }).put(new Date(), new Date())
  const pairs = db.store('pairs', { key: coder.tuple, value: coder.float64 })
  await pairs.put(['NO', 5, [new Date()], null], 0.5)
  await db.transaction(async tx => {
    const c = await tx.store('pairs', { key: coder.tuple, value: coder.float64 }).cursor({ prefix: ['NO'] })
    if (await c.first()) c.value?.toFixed()
    const told: number = await tx.transaction(async child => (await child.cities.count()) + child.id)
    return told
  })
  await using tx = await db.begin({ write: true, durability: 'strict' })
  await tx.cities.put(city!)
  await tx.commit()
  void [raw, name, consumed, added, renamed, revalued, keys, values, tx.id, await db.stores()]
}

export async function acceptedOfResults(): Promise<void> {
  const db = await open('atlas', { driver: memory(), tables: { cities: table<City>({ key: 'id' }), loose: table({ key: 'id' }) } })
  const some: { name: string; position: { lat: number } }[] = await db.cities.find().select('name', 'position.lat').orderBy('population')
  const founded: Date | undefined = (await db.cities.find().select('founded').first())?.founded
  const rest = await db.cities.find().omit('tags', 'position.lon')
  const lat: number = rest[0]!.position.lat
  const countries: ('NO' | 'SE')[] = await db.cities.find().distinct('country')
  const [people, mean]: [number, number | undefined] = [await db.cities.find().sum('position.lat'), await db.cities.find().avg('population')]
  const oldest: Date | undefined = await db.cities.find().min('founded')
  const parent: string | undefined = await db.cities.find().max('parent')
  const rows = await db.cities.find().groupBy('country', 'position.lat').aggregate({ n: count(), total: sum('population'), name: first('name'), youngest: max('founded') })
  const row: { country: 'NO' | 'SE'; 'position.lat': number; n: number; total: number; name: string | undefined; youngest: Date | undefined } = rows[0]!
  const loose: number = (await db.loose.find().groupBy('any.where').aggregate({ sum: sum('x.y') }))[0]!.sum
  for await (const { name } of db.cities.find().select('name')) name.concat()
  void [some, founded, lat, countries, people, mean, oldest, parent, row, loose, await db.cities.find().skip(5).last()]
}

export async function policies(schema: StandardSchema<City>): Promise<void> {
  const on = new TableHooks<City>()
  on.hook('create', city => { city.name = city.name.trim() })
  on.unhook('delete', on.hook('delete', async city => void (await fetch(city.name))))
  const storage = new StorageHooks()
  storage.hook('write.post', bytes => Uint8Array.of(...bytes, 1))
  storage.hook('close', name => void name.length)
  const db = await open('atlas', {
    driver: memory(),
    hooks: storage,
    types: [{ name: 'money', class: Date, encode: date => date.getTime(), decode: (time: number) => new Date(time) }],
    tables: {
      cities: table<City>({ key: 'id', policies: [on, timestamps({ format: 'iso', accessed: 'seen' }), validated(schema), expiring({ ttl: 5 })] }),
      tiles: table<{ id: string; bytes: Uint8Array }>({ key: 'id', policies: [bounded<{ bytes: Uint8Array }>({ kind: 'lru', max: 5, size: ({ bytes }) => bytes.length })] }),
      values: table<{ id: number; set: Set<string>; map: Map<string, { x: number }>; at: URL }>({ key: 'id' }),
    },
  })
  await db.values.find(where('set').eq(new Set(['x'])).and(where('at').exists()))
}

export async function modifiers(kept: CryptoKey): Promise<void> {
  const own = modifier(7, { seal: bytes => bytes.slice(), open: async bytes => bytes })
  const db = await open('notes', { driver: memory(), modifiers: [compress('deflate'), encrypt({ passphrase: 'any', pbkdf2: 600_000 }), own], lockAfter: 1000 })
  await db.changePassphrase('old', { passphrase: 'new', argon2id: { memory: 128 << 10 } })
  const id: number = await db.addSlot({ key: kept })
  const kinds: ('passphrase' | 'key')[] = (await db.slots()).map(slot => slot.kind)
  await db.removeSlot(id)
  await db.lock()
  await db.unlock({ key: new Uint8Array(32) })
  await db.shred()
  void kinds
}

export async function migrated(): Promise<void> {
  const cities = table<City>({ key: 'id' })
  const db = await open('atlas', {
    tables: { cities },
    version: 3,
    migrate: {
      2: async (tx, former) => {
        await tx.cities.update({ country: 'NO' }, op.set('name', 'Oslo'))
        const notes = await former('notes', table<{ id: number; text: string }>({ key: 'id' }))
        for await (const { text } of notes.find()) text.trim()
      },
      3: async () => {},
    },
  })
  await db.cities.count()
}

export async function commands(): Promise<void> {
  const db = await open('atlas', { driver: memory(), tables: { cities: table<City>({ key: 'id' }) } })
  const s = structures(db, 'structures')
  const near: number | undefined = (await s.geoSearch('places', { member: 'Oslo', radius: 100, unit: 'km' }))[0]?.distance
  const text: string | undefined = await s.hGet('person', 'name')
  await db.transaction(async tx => s.in(tx).zAdd('board', { member: text ?? '', score: near ?? 0 }))
  await structures<{ n: number }>(db, 'structures', { value: { encode: () => new Uint8Array(0), decode: () => ({ n: 1 }) } }).set('a', { n: 1 })
}

export async function repositories(): Promise<void> {
  const [db, cache] = [await open('atlas'), await open('cache', { driver: memory() })]
  const tiers = { fast: over(structures(cache, 'fast')), fallback: ring([over(structures(db, 'a')), over(structures(db, 'b'))], { by: 'modulo', nodes: 1024 }) }
  const people = hash<{ id: string; name: string; born?: number | null; tags: string[] }>({
    ...tiers, name: 'person', expire: 60_000, attributes: { id: 'text', name: 'text', born: 'number', tags: 'json' },
  })
  await people.addWith([{ id: '1', name: 'Ada', tags: [] }], { memoryAlways: true })
  const ada: { name: string; born?: number | null } = await people.query('1').entity()
  const some: { name: string } = await people.query('1', { fields: ['name'] }).entity()
  for await (const { tags } of people.many(['1', 2, 3n], { memory: false }).entities()) tags.push(ada.name, some.name)
  hash<{ row: string; seat: number }>({ ...tiers, name: 'seat', key: ['row', 'seat'], attributes: { row: 'text', seat: 'number' } }).query(['a', 1])
  const top: number | undefined = (await sortedSet({ ...tiers, name: 'set' }).query('a', { reverse: true, page: 1, pageSize: 9 }).entity()).members[0]?.score
  await boolean({ ...tiers, name: 'paid', parts: 2 }).add(['a', top ?? 0])
  await geo({ ...tiers, name: 'shops' }).query('tea', { longitude: 1, latitude: 2, distance: 3, unit: 'km' }).entity()
  const served = service(people, { cache: { bytes: 1000, sizeOf: ({ name }) => name.length }, breaker: { fast: { counts: ({ code }) => code !== 'timeout' } } })
  const one: { name: string } = await served.getOne('1', { fields: ['name'] })
  await served.add({ id: '2', name: one.name, tags: [] })
}

export async function views(): Promise<void> {
  const models = {
    countries: model<{ code: string; name: string }>({ table: 'countries', key: 'code', mode: 'prefer-cache' }),
    cities: model<City>({ table: 'cities', key: 'id', columns: ['id', 'name'], pulled: { where: 'population > $1', params: ['0'] } }),
    twins: model<{ from: number; to: number }>({ table: 'twins', key: ['from', 'to'] }),
  }
  const seen = await view(await open('atlas'), {
    origin: '/v1/shape',
    models,
    relations: {
      countries: { cities: many('cities', 'country'), capital: one('cities', 'country', { fallback: undefined }) },
      cities: { land: parent('countries', 'country'), twins: through('cities', 'twins', 'from', 'to') },
    },
    mode: 'cache-first',
  }).open()
  const city = await seen.cities(1, { include: { land: { cities: { twins: true } } } })
  const name: string | undefined = (await city?.land)?.name
  const twins: string[] | undefined = (await city?.twins)?.map(twin => twin.name)
  const capital: number | undefined = (await (await seen.countries.get('NO'))?.capital)?.population
  const none: 'none' | { code: string } | undefined = await seen.countries('XX', { fallback: 'none' })
  await seen.cities.change(1, { population: 5 })
  void [name, twins, capital, none]
}

export async function statements(): Promise<void> {
  const db = await open('atlas', { sql: true, tables: { cities: table<City>({ key: 'id' }) } })
  const named: { name: string }[] = await db.sql<{ name: string }>`SELECT name FROM cities WHERE population > ${5}`
  const first: City | undefined = await db.sql<City>('SELECT * FROM cities WHERE id = ?', 1).first()
  const changed: number = await db.sql`DELETE FROM cities`.run({ signal: new AbortController().signal })
  for await (const city of db.sql<City>`SELECT * FROM cities`) void city.population
  const stop: () => void = db.sql<City>`SELECT * FROM cities`.subscribe((cities, change) => void [cities[0]?.name, change.added])
  const detail: string | undefined = (await db.sql`SELECT 1`.explain())[0]?.detail
  const within = await db.transaction(tx => tx.sql<{ n: number }>`SELECT count(*) AS n FROM cities`.all())
  const watched = live(db.sql<City>`SELECT * FROM cities`)
  void [named, first, changed, stop, detail, within[0]?.n, watched.getSnapshot().documents[0]?.name]
}
