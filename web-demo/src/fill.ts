// Filling the store: the server's slices, one transaction. It awaits the network
// between two slices as it likes, and nothing is there until all of it is.

import type { Atlas, City, Country } from './atlas'
import { fold } from './fold'

/** What data/build.mjs wrote. */
interface Manifest {
  cities: number
  countries: number
  bytes: number
  slices: { file: string; rows: number; bytes: number }[]
}

/** How far the filling is. */
export interface Progress {
  cities: number // already in the transaction
  of: number
  saving: boolean // all of them are, and it is being committed
}

type CityRow = [
  id: number, name: string, country: string, feature: string, admin: string,
  population: number, lat: number, lon: number,
]
type CountryRow = Omit<Country, 'fold' | 'flag'> & { flag: string }

/** Reads the manifest, to say how much there is to come. */
export const readManifest = (signal?: AbortSignal): Promise<Manifest> => read('manifest.json', signal)

/** Fills an empty atlas. Fails with signal's reason, or whatever goes wrong, and then leaves it empty. */
export async function fill(db: Atlas, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<void> {
  const manifest = await readManifest(signal)
  await db.transaction(async (tx) => {
    const countries = await read<CountryRow[]>('countries.json', signal)
    await tx.countries.insertMany(countries.map(toCountry), { signal })

    let done = 0
    let next = read<CityRow[]>(manifest.slices[0]!.file, signal)
    for (let i = 0; i < manifest.slices.length; i++) {
      const rows = await next
      const following = manifest.slices[i + 1]
      if (following) {
        next = read(following.file, signal) // under way while this one is stored
        next.catch(() => {}) // reported when it is awaited, if that comes to pass
      }
      await tx.cities.insertMany(rows.map(toCity), { signal })
      done += rows.length
      onProgress({ cities: done, of: manifest.cities, saving: done === manifest.cities })
    }
    signal.throwIfAborted()
  })
}

function toCity([id, name, country, feature, admin, population, lat, lon]: CityRow): City {
  return { id, name, fold: fold(name), country, feature, admin, population, lat, lon }
}

function toCountry(row: CountryRow): Country {
  const flag = Uint8Array.from(atob(row.flag), (character) => character.charCodeAt(0))
  return { ...row, fold: fold(row.name), flag }
}

async function read<T>(file: string, signal?: AbortSignal): Promise<T> {
  const answer = await fetch(`data/${file}`, signal ? { signal } : {})
  if (!answer.ok) throw new Error(`the server answered ${answer.status} for ${file}`)
  return answer.json() as Promise<T>
}
