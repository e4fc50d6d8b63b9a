// What must compile. It is never run.
import { memory, open, table, where, type StowageError } from 'stowage'

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
