// Flags, from the bytes in the store to images. An image gets its bytes when it
// comes into sight: making the addresses of 250 at once would cost a tenth of a second.

import type { Country as AtlasCountry } from './atlas'
import { element } from './element'

/** What a flag is made of. */
type Country = Pick<AtlasCountry, 'code' | 'flag'>

/** Addresses made so far, by country. Each is made once and kept: a flag has a kilobyte at most. */
const addresses = new Map<string, string>()

/** The images that have not come into sight yet. */
const waiting = new WeakMap<Element, Country>()

const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const country = waiting.get(target)
    if (!isIntersecting || !country) continue
    sight.unobserve(target)
    ;(target as HTMLImageElement).src = addressOf(country)
  }
}, { rootMargin: '200px' })

/** An image of the country's flag. It says nothing aloud: the name always stands beside it. */
export function flagOf(country: Country): HTMLImageElement {
  const image = element('img', { class: 'flag', alt: '', width: 24, height: 16, decoding: 'async' })
  waiting.set(image, country)
  sight.observe(image)
  return image
}

function addressOf({ code, flag }: Country): string {
  let address = addresses.get(code)
  if (!address) {
    address = URL.createObjectURL(new Blob([flag as Uint8Array<ArrayBuffer>], { type: 'image/png' }))
    addresses.set(code, address)
  }
  return address
}
