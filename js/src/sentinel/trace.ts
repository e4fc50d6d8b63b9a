/*
 * What is remembered of an environment outside of the place where it is stored,
 * and the file that holds it: two slots, each a text with its checksum. The older
 * one is overwritten, so that a crash in the middle of it leaves the other.
 */

/** How far an environment had come when it was last looked at. */
export interface Trace {
  /** 32 hex digits; empty where nothing had been committed. */
  id: string
  /** Grows when an opening had to begin anew on less than had been there. */
  life: number
  generation: number
  /** Of the last commit that was acknowledged. */
  position: number
  /** Whether it was closed. */
  clean: boolean
  /** How many damaged databases have been set aside for the one in use. */
  aside: number
}

/** The bytes of a slot. */
const slotBytes = 256
const sumBytes = 8

/** Where there is nothing to remember yet. */
export const blank: Trace = { id: '', life: 0, generation: 0, position: 0, clean: true, aside: 0 }

/** Whether a is from later than b: positions only grow within a life, lives only grow. */
export function later(a: Trace, b: Trace): boolean {
  return a.life !== b.life ? a.life > b.life : a.position > b.position
}

/** The latest of those that there are. */
export function latest(...traces: (Trace | undefined)[]): Trace | undefined {
  return traces.reduce((a, b) => (a === undefined || (b !== undefined && later(b, a)) ? b : a))
}

/** Reads the latest whole slot of a file, and which one is to be written next. */
export function readSlots(file: Uint8Array): { trace: Trace | undefined; next: number } {
  const first = readSlot(file.subarray(0, slotBytes))
  const second = readSlot(file.subarray(slotBytes, 2 * slotBytes))
  const trace = latest(first, second)
  return { trace, next: trace !== undefined && trace === first ? slotBytes : 0 }
}

export function writeSlot(trace: Trace): Uint8Array {
  const text = JSON.stringify(trace).padEnd(slotBytes - sumBytes)
  return new TextEncoder().encode(text + sum(text))
}

/** A trace from a text that anybody can have written. */
export function parseTrace(text: string | null): Trace | undefined {
  try {
    const { id, life, generation, position, clean, aside } = JSON.parse(text ?? '') as Trace
    const numbers = [life, generation, position, aside].every(n => Number.isSafeInteger(n) && n >= 0)
    return numbers && typeof id === 'string' ? { id, life, generation, position, clean: clean === true, aside } : undefined
  } catch {
    return undefined
  }
}

function readSlot(bytes: Uint8Array): Trace | undefined {
  const slot = new TextDecoder().decode(bytes)
  const text = slot.slice(0, -sumBytes)
  return slot.length === slotBytes && sum(text) === slot.slice(-sumBytes) ? parseTrace(text) : undefined
}

/** FNV-1a, in hex. */
function sum(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16).padStart(sumBytes, '0')
}
