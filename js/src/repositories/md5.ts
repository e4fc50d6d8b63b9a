/* MD5, which rings divide keys by and browsers do not have: it protects nothing here. */

const shifts = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]] as const
const sines = Uint32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32))

/** Of each round: what it mixes of three words, and which word of a block it takes. */
const mixes: readonly ((b: number, c: number, d: number) => number)[] = [
  (b, c, d) => (b & c) | (~b & d),
  (b, c, d) => (b & d) | (c & ~d),
  (b, c, d) => b ^ c ^ d,
  (b, c, d) => c ^ (b | ~d),
]
const taken: readonly ((i: number) => number)[] = [i => i, i => 5 * i + 1, i => 3 * i + 5, i => 7 * i]

const utf8 = new TextEncoder()

/** The sum of a text in UTF-8: 16 bytes. */
export function md5(text: string): DataView {
  const bytes = utf8.encode(text)
  const padded = new DataView(new ArrayBuffer(((bytes.length + 72) >>> 6) << 6))
  new Uint8Array(padded.buffer).set(bytes)
  padded.setUint8(bytes.length, 0x80)
  padded.setBigUint64(padded.byteLength - 8, BigInt(bytes.length) * 8n, true)
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476)
  for (let block = 0; block < padded.byteLength; block += 64) digest(state, padded, block)
  const sum = new DataView(new ArrayBuffer(16))
  state.forEach((word, i) => sum.setInt32(4 * i, word, true))
  return sum
}

function digest(state: Int32Array, padded: DataView, block: number): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number]
  for (let i = 0; i < 64; i++) {
    const round = i >> 4
    const word = padded.getInt32(block + 4 * (taken[round]!(i) & 15), true)
    const sum = (a + mixes[round]!(b, c, d) + sines[i]! + word) | 0
    const shift = shifts[round]![i & 3]!
    ;[a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0]
  }
  ;[a, b, c, d].forEach((word, i) => (state[i]! += word))
}
