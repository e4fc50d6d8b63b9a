/** What tests use of node:test, for those that run in a page as well: here they are collected, and run by name. */
export const tests = new Map<string, () => Promise<void>>()

export function test(name: string, body: () => Promise<void>): void {
  tests.set(name, body)
}

Object.assign(globalThis, { tests })
