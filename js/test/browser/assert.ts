/** What tests use of node:assert, for those that run in a page as well. */
function assert(condition: unknown, message = 'not as expected'): asserts condition {
  if (!condition) throw new Error(message)
}

/** Text that is the same for values that are deeply equal, and only for them. */
function show(value: unknown): string {
  if (value instanceof Map) return `Map{${[...value].map(([k, v]) => `${show(k)}=>${show(v)}`)}}`
  if (value instanceof Set) return `Set${show([...value])}`
  if (value instanceof RegExp || value instanceof URL) return `${value.constructor.name}<${value}>`
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}<${value}>`
  if (value instanceof Date) return `date<${value.getTime()}>`
  if (Array.isArray(value)) return `[${value.map(show)}]`
  if (value !== null && typeof value === 'object') return `{${Object.entries(value).sort().map(([k, v]) => `${k}:${show(v)}`)}}`
  if (typeof value === 'string') return JSON.stringify(value)
  return `${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`
}

const equal = (actual: unknown, expected: unknown, message = '') =>
  assert(show(actual) === show(expected), `${message} ${show(actual).slice(0, 500)} is not ${show(expected).slice(0, 500)}`)

async function rejects(work: Promise<unknown>, pattern?: RegExp): Promise<void> {
  const error = await work.then(() => undefined, (error: Error) => error)
  assert(error instanceof Error, 'it did not reject')
  assert(pattern === undefined || pattern.test(String(error)), `it rejected with ${error}`)
}

const match = (text: string, pattern: RegExp) => assert(pattern.test(text), `${text} does not match ${pattern}`)
const doesNotMatch = (text: string, pattern: RegExp) => assert(!pattern.test(text), `${text} matches ${pattern}`)

export default Object.assign(assert, { ok: assert, equal, deepEqual: equal, rejects, match, doesNotMatch })
