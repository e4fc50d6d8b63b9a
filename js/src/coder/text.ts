import { check } from './coder.js'
import { StowageError } from '../errors.js'
import { isWhole } from '../name.js'

/** Text to bytes and back. Both throw where something would be lost. */
export interface TextFunctions {
  encode(text: string): Uint8Array
  decode(bytes: Uint8Array): string
}

/** Finds the functions for an encoding by its label; `invalid_option` where there is none. */
export function textFunctions(label: string): TextFunctions {
  const encoding = String(label).toLowerCase()
  if (encoding === 'latin1' || encoding === 'iso-8859-1') return { encode: inverse(latin1), decode: latin1 }
  const decoder = makeDecoder(encoding)
  const decode = (bytes: Uint8Array) => decoder.decode(bytes)
  switch (decoder.encoding) {
    case 'utf-8':
      return { encode: text => encoder.encode(wellFormed(text)), decode }
    case 'utf-16le':
    case 'utf-16be':
      return { encode: text => utf16(wellFormed(text), decoder.encoding === 'utf-16le'), decode }
  }
  return { encode: severalBytes.has(decoder.encoding) ? readOnly : inverse(decode), decode }
}

const encoder = new TextEncoder()

/** A decoder that replaces nothing, and leaves a byte order mark where it is. */
function makeDecoder(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
  } catch (cause) {
    throw new StowageError('invalid_option', 'coder.text: there is no encoding of this name', { cause })
  }
}

/** Latin-1 proper: a byte is a code point. TextDecoder takes these labels for windows-1252. */
function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, byte => String.fromCharCode(byte)).join('')
}

/** Encodings with several bytes for some characters, which no host can write. */
const severalBytes = new Set(['gbk', 'gb18030', 'big5', 'euc-jp', 'iso-2022-jp', 'shift_jis', 'euc-kr', 'replacement'])

function readOnly(): never {
  throw new StowageError('unsupported', 'coder.text: this encoding can be read, not written')
}

/** An encoder for a decoder of single bytes: its table the other way round. */
function inverse(decode: (bytes: Uint8Array) => string): (text: string) => Uint8Array {
  const bytes = new Map<string, number>()
  for (let byte = 0; byte < 0x100; byte++) {
    try {
      bytes.set(decode(Uint8Array.of(byte)), byte)
    } catch {
      // The encoding has no character here.
    }
  }
  return text =>
    Uint8Array.from(text, character => {
      const byte = bytes.get(character)
      check(byte !== undefined)
      return byte
    })
}

/** Half of a surrogate pair is no text: it would come back as another character. */
function wellFormed(text: string): string {
  check(typeof text === 'string' && isWhole(text))
  return text
}

function utf16(text: string, little: boolean): Uint8Array {
  const bytes = new Uint8Array(text.length * 2)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), little)
  return bytes
}
