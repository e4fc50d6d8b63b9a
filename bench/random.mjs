/**
 * Numbers that look random and are the same for the same seed, in every
 * browser: a 32-bit counter run through a mixing function (splitmix32). Good
 * enough to draw documents and questions from, and for nothing secret.
 */
export class Random {
  #state

  /** The parts, whole numbers or strings, name one stream of numbers. */
  constructor(...parts) {
    this.#state = 0
    for (const part of parts.flatMap((part) => (typeof part === 'string' ? codes(part) : [part]))) {
      this.#state = mix(this.#state ^ part)
    }
  }

  /** A fraction, from 0 up to but not including 1. */
  fraction() {
    this.#state = (this.#state + 0x9e3779b9) | 0
    return (mix(this.#state) >>> 0) / 0x100000000
  }

  /** A whole number, from 0 up to but not including limit. */
  below(limit) {
    return Math.floor(this.fraction() * limit)
  }

  /** One element of a list. */
  of(list) {
    return list[this.below(list.length)]
  }

  /** Count different elements of a list, in random order. */
  some(list, count) {
    const left = list.slice()
    for (let i = 0; i < count; i++) {
      const j = i + this.below(left.length - i)
      ;[left[i], left[j]] = [left[j], left[i]]
    }
    return left.slice(0, count)
  }
}

function mix(z) {
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return z ^ (z >>> 15)
}

function codes(text) {
  return Array.from(text, (character) => character.codePointAt(0))
}
