/*
 * Places: entities whose members are somewhere on the earth. Members that are added join those that there are, or move; where nothing is near it is as if
 * there were no entity.
 *
 * The other side is store/repository/geo.go.
 */
import type { Place, Unit } from '../structures/geo.js'
import { onMap, scoreOf } from '../structures/geohash.js'
import type { Z } from '../structures/sortedset.js'
import { type Form, type Given, invalidEntity, invalidQuery, only } from './form.js'
import type { Key } from './key.js'
import type { QueryOptions } from './query.js'
import { type KeyedConfig, keyed, type Repository } from './repository.js'
import { invalid, type Read, type Value } from './tier.js'

/** An entity whose members are places on the earth. */
export interface Geo {
  id: Key
  /** Those that were asked for, the nearest first. */
  members: readonly GeoPlace[]
}

/** Where a member is: degrees, kept to about half a metre. */
export interface GeoPlace extends Place {
  /** From the middle of the query, in its unit; it is only read. */
  distance?: number
}

/** What is asked of places: around which one, which is needed, and how near. */
export interface GeoOptions extends QueryOptions {
  longitude: number
  latitude: number
  distance: number
  /** Of the distances: metres unless given. */
  unit?: Unit
  /** How many members, the nearest; all that are near unless given. */
  count?: number
}

export type GeoRepository = Repository<Geo, GeoOptions>

/**
 * Makes a repository of places.
 *
 *     const shops = geo({ name: 'shops', fast, fallback })
 *     await shops.add({ id: 'tea', members: [{ member: 'Ada', longitude: 10.75, latitude: 59.91 }] })
 *     const near = await shops.query('tea', { longitude: 11, latitude: 60, distance: 50, unit: 'km' }).entity()
 */
export function geo(config: KeyedConfig): GeoRepository {
  return keyed('geo', config, new Geos())
}

function isPlace(place: Place | undefined): boolean {
  return typeof place?.member === 'string' && place.member !== '' && onMap(place.longitude, place.latitude)
}

/** Places as members of the sorted set that a geo is. Fails with `invalid_argument`. */
export function scored(places: readonly Place[] = []): Z[] {
  if (!places.every(isPlace)) throw invalid('no place')
  return places.map(({ member, longitude, latitude }) => ({ member, score: scoreOf(longitude, latitude) }))
}

const units: readonly unknown[] = ['m', 'km', 'mi', 'ft'] satisfies Unit[]

class Geos implements Form<Geo> {
  readonly kind = 'geo'
  readonly merges = true

  key(entity: Geo): Key {
    return entity.id
  }

  encode({ members }: Geo): Value {
    if (!Array.isArray(members) || members.length === 0 || !members.every(isPlace)) throw invalidEntity('no members, or one without a place')
    return { places: members.map(({ member, longitude, latitude }) => ({ member, longitude, latitude, distance: 0 })) }
  }

  ask(options: Given): { read: Omit<Read, 'key'>; partial: boolean } {
    const { longitude, latitude, distance, unit = 'm', count } = only<GeoOptions>(options, 'longitude', 'latitude', 'distance', 'unit', 'count') as GeoOptions
    if (!onMap(longitude, latitude) || !(typeof distance === 'number' && distance > 0) || !units.includes(unit)) throw invalidQuery('near what, and how near')
    if (count !== undefined && !(Number.isSafeInteger(count) && count > 0)) throw invalidQuery('a count is a whole number from 1')
    return { read: { kind: 'geo', search: { longitude, latitude, radius: distance, unit, ...(count !== undefined && { count }) } }, partial: true }
  }

  decode(id: Key, { places = [] }: Value): Geo | undefined {
    return places.length === 0 ? undefined : { id, members: places }
  }
}
