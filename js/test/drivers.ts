import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

import { type DriverFactory, memory } from 'stowage'
import { directory } from 'stowage/drivers/fs'

const scratch = mkdtempSync(join(tmpdir(), 'stowage-'))
after(() => rmSync(scratch, { recursive: true }))

/** The drivers that a test runs over; browser/drivers.ts has those of a page. */
export const drivers: [name: string, driver: () => DriverFactory][] = [
  ['memory', memory],
  ['fs', () => directory(mkdtempSync(join(scratch, 'd-')))],
]

export const worker = false

/** Where a tier keeps records that stands before another. */
export const recordsIn: [name: string, driver: () => DriverFactory] = ['memory', memory]
