import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { crc32 } from 'node:zlib'

/** A row of its table, whichever client has read it. */
export type City = { id: number | bigint; name: string; country: string; population: number | bigint | null; lat: number }

/** As the Go side computes it of what it has written: the sum of rows is the exclusive or of theirs. */
export const sum = (row: City): number => crc32([row.id, row.name, row.country, row.population ?? 'null', row.lat].join('\x1f'))

/** An origin in a process of its own, which testdata/origin is; its table is `cities`. */
export class Served {
  url = ''

  private constructor(
    private readonly process: ChildProcess,
    private readonly lines: AsyncIterator<string>,
  ) {}

  static async start(command: string, folder: string, rows: number, ...more: string[]): Promise<Served> {
    mkdirSync(folder, { recursive: true })
    const child = spawn(command, [folder, String(rows), ...more], { stdio: ['pipe', 'pipe', 'inherit'] })
    const served = new Served(child, createInterface({ input: child.stdout! })[Symbol.asyncIterator]())
    served.url = await served.line()
    return served
  }

  /** Has the origin do something; tells how many rows there are then, and their sum. */
  do(line: string): Promise<string> {
    this.process.stdin!.write(line + '\n')
    return this.line()
  }

  async stop(): Promise<void> {
    const ended = new Promise(resolve => this.process.once('exit', resolve))
    this.process.stdin!.end()
    await ended
  }

  private async line(): Promise<string> {
    const { value, done } = await this.lines.next()
    assert.ok(!done, 'the origin has ended')
    return value
  }
}
