/*
 * HalfSipHash-2-4 with a result of 32 bits, by a key of 8 bytes: a hash of which nobody knows anything who has not the key.
 *
 * The other side is store/structure/siphash.go.
 */
import { view } from './layout.js'

export function sipHash(key: Uint8Array, data: Uint8Array): number {
  const [k0, k1] = [0, 4].map(at => view(key).getInt32(at, true)) as [number, number]
  const s: State = [k0, k1, 0x6c796765 ^ k0, 0x74656462 ^ k1]
  const padded = new Uint8Array((data.length & ~3) + 4)
  padded.set(data)
  padded[padded.length - 1] = data.length
  for (let at = 0; at < padded.length; at += 4) {
    const word = view(padded).getInt32(at, true)
    s[3] ^= word
    round(s, 2)
    s[0] ^= word
  }
  s[2] ^= 0xff
  round(s, 4)
  return s[1] ^ s[3]
}

type State = [number, number, number, number]

const rotated = (n: number, by: number) => (n << by) | (n >>> (32 - by))

function round(s: State, times: number): void {
  const mix = (to: 0 | 2, by: 1 | 3, bits: number) => {
    s[to] = (s[to] + s[by]) | 0
    s[by] = rotated(s[by], bits) ^ s[to]
  }
  while (times-- > 0) {
    mix(0, 1, 5)
    s[0] = rotated(s[0], 16)
    mix(2, 3, 8)
    mix(0, 3, 7)
    mix(2, 1, 13)
    s[2] = rotated(s[2], 16)
  }
}
