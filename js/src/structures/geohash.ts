/*
 * Places as scores of 52 bits: the longitude and the latitude cut into 2^26 steps each, their bits in turn, the longitude's
 * first. Places that are near each other mostly have scores that are near each other.
 *
 * The other side is store/structure/geohash.go.
 */

const steps = 26
const most = 2 ** steps - 1
const longitudes = 180
const latitudes = 85.05112878 // beyond them the map of the scores ends
const earthRadius = 6372797.560856 // metres
const gridCells = 4 // each way, at most

/** What a search covers, in metres: a circle, or a box where radius is 0. */
export interface Area {
  longitude: number
  latitude: number
  radius: number
  width: number
  height: number
}

const clamp = (n: number, low: number, high: number) => Math.max(low, Math.min(high, n))
const radians = (degrees: number) => degrees * (Math.PI / 180)
const degrees = (radians: number) => radians / (Math.PI / 180)

export const onMap = (longitude: unknown, latitude: unknown): boolean =>
  typeof longitude === 'number' && typeof latitude === 'number' && Math.abs(longitude) <= longitudes && Math.abs(latitude) <= latitudes

const step = (degrees: number, limit: number) => Math.floor(((degrees + limit) / (2 * limit)) * 2 ** steps)

/** The middle of a step. */
function middle(step: number, limit: number): number {
  const low = (step / 2 ** steps) * (2 * limit) - limit
  const high = ((step + 1) / 2 ** steps) * (2 * limit) - limit
  return clamp((low + high) / 2, -limit, limit)
}

/** The bits of two numbers in turn, those of x first, as a number of up to 52 bits. */
function interleave(x: number, y: number): number {
  let bits = 0
  for (let i = steps - 1; i >= 0; i--) bits = bits * 4 + ((x >>> i) & 1) * 2 + ((y >>> i) & 1)
  return bits
}

export function scoreOf(longitude: number, latitude: number): number {
  return interleave(Math.min(step(longitude, longitudes), most), Math.min(step(latitude, latitudes), most))
}

/** Where a score stands for, to about half a metre. One that no place has stands for the place of the nearest that one has. */
export function placeAt(score: number): { longitude: number; latitude: number } {
  let x = 0
  let y = 0
  for (let i = 0, rest = Math.trunc(clamp(score, 0, 2 ** (2 * steps) - 1)); i < steps; i++, rest = Math.floor(rest / 4)) {
    x += (Math.floor(rest / 2) % 2) * 2 ** i
    y += (rest % 2) * 2 ** i
  }
  return { longitude: middle(x, longitudes), latitude: middle(y, latitudes) }
}

/** How many metres lie between two places, on a sphere. */
export function distance(lon1: number, lat1: number, lon2: number, lat2: number): number {
  const u = Math.sin((radians(lat2) - radians(lat1)) / 2)
  const v = Math.sin((radians(lon2) - radians(lon1)) / 2)
  return 2 * earthRadius * Math.asin(Math.sqrt(u * u + Math.cos(radians(lat1)) * Math.cos(radians(lat2)) * v * v))
}

/** How far a place is from the middle of an area, undefined where it does not lie in it. */
export function within(a: Area, longitude: number, latitude: number): number | undefined {
  const metres = distance(a.longitude, a.latitude, longitude, latitude)
  const inside =
    a.radius > 0
      ? metres <= a.radius
      : earthRadius * Math.abs(radians(latitude) - radians(a.latitude)) <= a.height / 2 &&
        distance(longitude, latitude, a.longitude, latitude) <= a.width / 2
  return inside ? metres : undefined
}

/** Ranges of scores, [from, to[, that hold every place in the area: those of a few cells of a grid as fine as that allows. */
export function ranges(a: Area): [low: number, high: number][] {
  const halfHeight = a.radius || a.height / 2
  const halfWidth = a.radius || a.width / 2
  const [south, north] = [a.latitude - degrees(halfHeight / earthRadius), a.latitude + degrees(halfHeight / earthRadius)]
  const x = (longitude: number) => step(clamp(longitude, -longitudes, longitudes), longitudes)
  const y = (latitude: number) => step(clamp(latitude, -latitudes, latitudes), latitudes)
  const reach = reachOf(Math.max(Math.abs(south), Math.abs(north)), halfWidth)
  if (reach >= longitudes) return joined(grid(0, most, y(south), y(north)))
  const [west, east] = [a.longitude - reach, a.longitude + reach]
  const cells = grid(x(west), x(east), y(south), y(north))
  if (west < -longitudes) cells.push(...grid(x(west + 2 * longitudes), most, y(south), y(north)))
  if (east > longitudes) cells.push(...grid(0, x(east - 2 * longitudes), y(south), y(north)))
  return joined(cells)
}

/** How many degrees of longitude an area extends to each side, of which the parallel nearest to a pole needs most. */
function reachOf(latitude: number, halfWidth: number): number {
  if (latitude >= 90 || halfWidth >= Math.PI * earthRadius) return longitudes
  const sine = Math.sin(halfWidth / earthRadius / 2) / Math.cos(radians(latitude))
  return sine >= 1 ? longitudes : degrees(2 * Math.asin(sine))
}

/** Covers a range of steps with cells, and one more on each side: what lies on an edge may have been rounded. */
function grid(west: number, east: number, south: number, north: number): [number, number][] {
  let [x0, x1, y0, y1] = [clamp(west - 1, 0, most), clamp(east + 1, 0, most), clamp(south - 1, 0, most), clamp(north + 1, 0, most)]
  let size = 1
  for (; x1 - x0 >= gridCells || y1 - y0 >= gridCells; size *= 4) [x0, x1, y0, y1] = [x0 >> 1, x1 >> 1, y0 >> 1, y1 >> 1]
  const cells: [number, number][] = []
  for (let x = x0; x <= x1; x++) {
    for (let y = y0; y <= y1; y++) cells.push([interleave(x, y) * size, (interleave(x, y) + 1) * size])
  }
  return cells
}

/** Makes one range of cells that touch. */
function joined(cells: [number, number][]): [number, number][] {
  const all: [number, number][] = []
  for (const [low, high] of cells.sort((a, b) => a[0] - b[0])) {
    const last = all.at(-1)
    if (last !== undefined && low <= last[1]) last[1] = Math.max(last[1], high)
    else all.push([low, high])
  }
  return all
}
