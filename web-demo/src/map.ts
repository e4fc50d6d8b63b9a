// The map: every city a dot, the result of the last query on top. Equirectangular:
// a degree is as wide everywhere, its height set by the latitude in the middle.

import type { City } from './atlas'

/** A part of the world, in degrees. */
interface View { west: number; east: number; south: number; north: number }

const world: View = { west: -180, east: 180, south: -58, north: 84 }

/** Distances between the lines of the graticule, in degrees: the smallest that leaves room for the labels is used. */
const steps = [0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 45]

/** How near, in CSS pixels, a pointer must come to a dot to mean it. */
const reach = 12

export class WorldMap {
  #canvas: HTMLCanvasElement
  #pen: CanvasRenderingContext2D
  #base = new Coordinates()
  #shown: readonly City[] = []
  #marked: City | undefined
  #view: View = world
  #scale = { x: 1, y: 1, left: 0, top: 0 }
  #frame = 0

  /** Called with the city the user clicks on. */
  onPick: (city: City) => void = () => {}

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas
    const pen = canvas.getContext('2d')
    if (!pen) throw new Error('this browser cannot draw on a canvas')
    this.#pen = pen
    new ResizeObserver(() => this.#redraw()).observe(canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#redraw())
    canvas.addEventListener('pointermove', (event) => this.#hover(event))
    canvas.addEventListener('click', (event) => {
      const city = this.#nearest(event)
      if (city) this.onPick(city)
    })
  }

  /** Adds cities to the faint layer below all results. */
  addBase(cities: readonly City[]): void {
    for (const { lon, lat } of cities) this.#base.add(lon, lat)
    this.#redraw()
  }

  /** Draws cities as the result; with fit, moves to where they are, else to the whole world. */
  show(cities: readonly City[], fit = false): void {
    this.#shown = cities
    this.#view = fit && cities.length > 0 ? around(cities) : world
    this.#redraw()
  }

  /** Points at one city, or at none. */
  mark(city: City | undefined): void {
    if (this.#marked?.id === city?.id) return
    this.#marked = city
    this.#redraw()
  }

  #redraw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0
      this.#draw()
    })
  }

  #draw(): void {
    const { clientWidth, clientHeight } = this.#canvas
    if (clientWidth === 0 || clientHeight === 0) return
    const dense = Math.min(devicePixelRatio, 2)
    const width = Math.round(clientWidth * dense)
    const height = Math.round(clientHeight * dense)
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width
      this.#canvas.height = height
    }
    this.#place(clientWidth, clientHeight)
    const style = getComputedStyle(this.#canvas)
    const colour = (name: string): string => style.getPropertyValue(name).trim()
    this.#pen.setTransform(1, 0, 0, 1, 0, 0)
    this.#pen.clearRect(0, 0, width, height)
    this.#drawBase(width, height, dense, colour('--map-land'))
    this.#pen.setTransform(dense, 0, 0, dense, 0, 0)
    this.#drawGraticule(clientWidth, clientHeight, colour('--map-line'), colour('--map-text'))
    this.#drawShown(colour('--map-dot'))
    this.#drawMark(clientWidth, colour('--map-mark'), colour('--map-sea'))
  }

  /** Works out where degrees fall on a canvas of this many CSS pixels. */
  #place(width: number, height: number): void {
    const { west, east, south, north } = this.#view
    const squeeze = this.#view === world ? 0.85 : Math.cos(((south + north) / 2) * (Math.PI / 180))
    const perDegree = Math.min(width / ((east - west) * squeeze), height / (north - south))
    const x = perDegree * squeeze
    this.#scale = {
      x,
      y: perDegree,
      left: (width - (east - west) * x) / 2 - west * x,
      top: (height - (north - south) * perDegree) / 2 + north * perDegree,
    }
  }

  #x(lon: number): number { return this.#scale.left + lon * this.#scale.x }
  #y(lat: number): number { return this.#scale.top - lat * this.#scale.y }

  /** Draws the faint layer pixel by pixel: 138,398 calls to fillRect would cost a few frames. */
  #drawBase(width: number, height: number, dense: number, colour: string): void {
    if (this.#base.length === 0) return
    const [red, green, blue] = channels(colour)
    const image = this.#pen.createImageData(width, height)
    const weight = this.#view === world ? 48 : 90
    const side = Math.max(1, Math.round(dense * (this.#view === world ? 0.8 : 1.6)))
    for (let i = 0; i < this.#base.length; i++) {
      const x = Math.round(this.#x(this.#base.lon[i]!) * dense)
      const y = Math.round(this.#y(this.#base.lat[i]!) * dense)
      if (x < 0 || y < 0 || x + side > width || y + side > height) continue
      for (let dy = 0; dy < side; dy++) {
        for (let at = ((y + dy) * width + x) * 4, dx = 0; dx < side; dx++, at += 4) {
          image.data[at] = red
          image.data[at + 1] = green
          image.data[at + 2] = blue
          image.data[at + 3] = image.data[at + 3]! + weight // more cities in a pixel make it stronger
        }
      }
    }
    this.#pen.putImageData(image, 0, 0)
  }

  #drawGraticule(width: number, height: number, line: string, text: string): void {
    const pen = this.#pen
    const step = steps.find((degrees) => degrees * this.#scale.x >= 56) ?? 90
    pen.strokeStyle = line
    pen.fillStyle = text
    pen.lineWidth = 0.5
    pen.font = '10px system-ui, sans-serif'
    pen.beginPath()
    const firstLon = Math.ceil((-this.#scale.left / this.#scale.x) / step) * step
    for (let lon = Math.max(-180, firstLon); lon <= 180 && this.#x(lon) <= width; lon += step) {
      pen.moveTo(this.#x(lon), 0)
      pen.lineTo(this.#x(lon), height)
      pen.fillText(degrees(lon, 'E', 'W'), this.#x(lon) + 3, height - 5)
    }
    const firstLat = Math.floor((this.#scale.top / this.#scale.y) / step) * step
    for (let lat = Math.min(90, firstLat); lat >= -90 && this.#y(lat) <= height; lat -= step) {
      pen.moveTo(0, this.#y(lat))
      pen.lineTo(width, this.#y(lat))
      if (this.#y(lat) < height - 20) pen.fillText(degrees(lat, 'N', 'S'), 4, this.#y(lat) - 3)
    }
    pen.stroke()
  }

  #drawShown(colour: string): void {
    const pen = this.#pen
    pen.fillStyle = colour
    const many = this.#shown.length > 3000
    const least = this.#shown.length > 300 ? 0 : 2.6 // a few are to be found
    pen.globalAlpha = many ? 0.7 : 0.8
    for (const city of this.#shown) {
      const x = this.#x(city.lon)
      const y = this.#y(city.lat)
      const r = Math.max(least, radius(city))
      if (many && r < 2) pen.fillRect(x - 0.75, y - 0.75, 1.5, 1.5)
      else {
        pen.beginPath()
        pen.arc(x, y, r, 0, 2 * Math.PI)
        pen.fill()
      }
    }
    pen.globalAlpha = 1
  }

  #drawMark(width: number, colour: string, halo: string): void {
    const city = this.#marked
    if (!city) return
    const pen = this.#pen
    const x = this.#x(city.lon)
    const y = this.#y(city.lat)
    const r = radius(city) + 4
    pen.beginPath()
    pen.arc(x, y, r, 0, 2 * Math.PI)
    pen.lineWidth = 2
    pen.strokeStyle = colour
    pen.stroke()
    pen.font = '600 13px system-ui, sans-serif'
    const wide = pen.measureText(city.name).width
    const left = x + r + 6 + wide > width ? x - r - 6 - wide : x + r + 6
    pen.lineJoin = 'round'
    pen.lineWidth = 4
    pen.strokeStyle = halo
    pen.strokeText(city.name, left, y + 4)
    pen.fillStyle = colour
    pen.fillText(city.name, left, y + 4)
  }

  #hover(event: PointerEvent): void {
    const city = this.#nearest(event)
    this.#canvas.style.cursor = city ? 'pointer' : ''
    if (city) this.mark(city)
  }

  /** The city of the result nearest to the pointer, if one is within reach. */
  #nearest(event: MouseEvent): City | undefined {
    let best: City | undefined
    let least = reach * reach
    for (const city of this.#shown) {
      const dx = this.#x(city.lon) - event.offsetX
      const dy = this.#y(city.lat) - event.offsetY
      const distance = dx * dx + dy * dy
      if (distance < least) [best, least] = [city, distance]
    }
    return best
  }
}

/** Positions in typed arrays that grow: a megabyte for all the cities there are. */
class Coordinates {
  length = 0
  lon = new Float32Array(4096)
  lat = new Float32Array(4096)

  add(lon: number, lat: number): void {
    if (this.length === this.lon.length) {
      this.lon = doubled(this.lon)
      this.lat = doubled(this.lat)
    }
    this.lon[this.length] = lon
    this.lat[this.length++] = lat
  }
}

function doubled(array: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const bigger = new Float32Array(array.length * 2)
  bigger.set(array)
  return bigger
}

/** The view that holds the cities, with a margin. One that meets itself round the back shows all. */
function around(cities: readonly City[]): View {
  let [west, east, south, north] = [180, -180, 90, -90]
  for (const { lon, lat } of cities) {
    west = Math.min(west, lon)
    east = Math.max(east, lon)
    south = Math.min(south, lat)
    north = Math.max(north, lat)
  }
  if (east - west > 300) return world
  const margin = Math.max(0.4, (east - west) * 0.06, (north - south) * 0.06)
  return { west: west - margin, east: east + margin, south: south - margin, north: north + margin }
}

/** Radius of a dot in CSS pixels: its area grows with the number of people. */
function radius(city: City): number {
  return 1.3 + Math.min(7, Math.sqrt(city.population) / 500)
}

function degrees(value: number, positive: string, negative: string): string {
  return `${Math.abs(value)}°${value === 0 ? '' : value < 0 ? negative : positive}`
}

/** Red, green and blue of a colour written #rrggbb. */
function channels(colour: string): [number, number, number] {
  const number = Number.parseInt(colour.slice(1), 16)
  return [number >> 16, (number >> 8) & 255, number & 255]
}
