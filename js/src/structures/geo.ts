/*
 * Places on the earth: sorted sets whose scores say where members are.
 *
 * The other side is store/structure/geo.go.
 */
import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import { type Area, distance, onMap, placeAt, ranges, scoreOf, within } from './geohash.js'
import { check, compare, invalid } from './layout.js'
import type { Records } from './records.js'
import { type Z, zAdd, zRangeByScore, zScore } from './sortedset.js'

/** A member with where it is: degrees, within ±180 east and ±85.05112878 north. It is kept to about half a metre. */
export interface Place {
  member: string
  longitude: number
  latitude: number
}

const units = { m: 1, km: 1000, mi: 1609.34, ft: 0.3048 }
export type Unit = keyof typeof units

/** What `geoSearch` looks for: what lies within `radius` of a place, or in a box of `width` and `height` around it. */
export interface GeoQuery {
  /** The place in the middle, one of the set; or longitude and latitude. */
  member?: string
  longitude?: number
  latitude?: number
  radius?: number
  width?: number
  height?: number
  unit?: Unit
  /** Only so many, the nearest; the farthest with `order: 'desc'`. */
  count?: number
  /** By distance from the middle, ascending unless given. */
  order?: 'asc' | 'desc'
}

/** A place that a search found. */
export interface Found extends Place {
  /** From the middle, in the unit of the query. */
  distance: number
}

export async function geoAdd(t: Records, key: string, places: readonly Place[]): Promise<number> {
  for (const place of places) if (!onMap(place?.longitude, place?.latitude)) throw invalid('longitude or latitude is not on the map')
  return zAdd(t, key, places.map(({ member, longitude, latitude }) => ({ member, score: scoreOf(longitude, latitude) })))
}

export async function geoPos(t: Records, key: string, member: string): Promise<Place | undefined> {
  const score = await zScore(t, key, member)
  return score === undefined ? undefined : { member, ...placeAt(score) }
}

export async function geoDist(t: Records, key: string, a: string, b: string, unit: Unit): Promise<number | undefined> {
  const one = metres(unit)
  const [from, to] = [await geoPos(t, key, a), await geoPos(t, key, b)]
  return from && to && distance(from.longitude, from.latitude, to.longitude, to.latitude) / one
}

function metres(unit: Unit): number {
  if (typeof unit !== 'string' || !Object.hasOwn(units, unit)) throw invalid(`a unit is one of ${Object.keys(units).join(', ')}`)
  return units[unit]
}

/** A search as it was asked for; its middle is that of the area once `member` has said where that is. */
export interface Search {
  area: Area
  member: string | undefined
  /** In metres. */
  unit: number
  count: number | undefined
  sign: 1 | -1
}

export function readSearch(query: GeoQuery): Search {
  const o = new Options('geoSearch', query)
  const amount = (name: string, otherwise: unknown = 0) => {
    const given = o.any(name) ?? otherwise
    if (typeof given !== 'number') throw o.wrong(name, 'a number')
    return given
  }
  const unit = metres(o.oneOf('unit', Object.keys(units) as Unit[]) ?? 'm')
  const [member, count] = [o.string('member'), o.integer('count', { least: 1 })]
  const middle = member === undefined ? null : 0 // which must be said
  const [longitude, latitude] = [amount('longitude', middle), amount('latitude', middle)]
  const area: Area = { longitude, latitude, radius: amount('radius') * unit, width: amount('width') * unit, height: amount('height') * unit }
  const sign = (o.oneOf('order', ['asc', 'desc']) ?? 'asc') === 'asc' ? 1 : -1
  o.done()
  const { radius, width, height } = area
  if (!(radius > 0 && width === 0 && height === 0) && !(radius === 0 && width > 0 && height > 0)) throw invalid('a search has a radius, or width and height')
  return { area, member, unit, count, sign }
}

/** Has the middle of a search be where a member is, undefined where that is not known, and checks it. */
export function centre({ area, member }: Search, score: number | undefined): void {
  if (member !== undefined && score === undefined) throw new StowageError('not_found', 'the member in the middle of the search')
  if (score !== undefined) Object.assign(area, placeAt(score))
  if (!onMap(area.longitude, area.latitude)) throw invalid('longitude or latitude is not on the map')
}

/** Those of the members that are in the area, as they were asked for. */
export function nearest({ area, unit, count, sign }: Search, members: readonly Z[]): Found[] {
  const found: Found[] = []
  for (const { member, score } of members) {
    const place = placeAt(score)
    const far = within(area, place.longitude, place.latitude)
    if (far !== undefined) found.push({ member, ...place, distance: far / unit })
  }
  found.sort((a, b) => sign * (a.distance - b.distance || compare(a.member, b.member)))
  return found.slice(0, count)
}

export async function geoSearch(t: Records, key: string, query: GeoQuery): Promise<Found[]> {
  check(key)
  const search = readSearch(query)
  if ((await t.holding(key, 'zset')) === undefined) return []
  centre(search, search.member === undefined ? undefined : await zScore(t, key, search.member))
  const members: Z[][] = []
  for (const [min, max] of ranges(search.area)) members.push(await zRangeByScore(t, key, { min, max, maxOpen: true }))
  return nearest(search, members.flat())
}
