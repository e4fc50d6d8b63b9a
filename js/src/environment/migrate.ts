/*
 * Brings the data of an environment to the version that a program was written for. Every step is
 * a function of the program, and one transaction with the number that says it was taken;
 * store/version.go keeps the number, and refuses programs that know less.
 */
import { unpack } from '../document/document.js'
import type { Decode } from '../bridge/engine.js'
import type { Tables, Within } from './environment.js'
import { StowageError } from '../errors.js'
import type { Options } from '../options.js'
import type { TableSpec } from '../table/schema.js'
import { type Session, understand } from './session.js'
import type { Table } from '../table/table.js'
import { transact, type Transaction } from './transaction.js'
import { Op } from '../bridge/wire.js'

/** Opens, within a step, a table that is not described at open any more, or was described otherwise. */
export type Former = <T, G extends PropertyKey>(name: string, spec: TableSpec<T, G>) => Promise<Table<T, G>>

/**
 * What makes documents of one version those of the next: by the number of that, a function that
 * is given a transaction with the tables described at open. They have the indexes that are stored until all
 * is done. A step is run again when another tab was faster. A version without a function only raises the number.
 */
export type Migrations<S extends Tables> = { readonly [to: number]: (tx: Within<S>, former: Former) => Promise<void> }

/** @internal Reads the options of `open`. */
export function readMigrations(o: Options): { version: number | undefined; migrations: Migrations<Tables> } {
  const version = o.integer('version', { least: 1 })
  const migrations = (o.any('migrate') ?? {}) as Migrations<Tables>
  if (typeof migrations !== 'object') throw o.wrong('migrate', 'an object of functions')
  for (const [to, step] of Object.entries(migrations)) {
    const known = version !== undefined && /^[1-9]\d*$/.test(to) && Number(to) <= version
    if (!known || typeof step !== 'function') throw o.wrong('migrate', 'functions by the versions that they lead to, up to `version`')
  }
  return { version, migrations }
}

/** @internal Takes the steps that are still to be taken, and tells whether there were any. */
export async function migrate(
  session: Session,
  version: number,
  signal: AbortSignal | undefined,
  step: (transaction: Transaction, to: number) => Promise<void>,
): Promise<boolean> {
  const { version: before } = session
  if (before !== undefined && before !== version) {
    throw new StowageError('schema_mismatch', `the environment is open in this context for version ${before} of its data`)
  }
  let at = await understand(await session.ready(), version)
  const from = at
  session.version = version
  try {
    while (at < version) {
      at = await transact(() => session.ready(), { kind: 'exclusive', signal }, async transaction => {
        const engine = await transaction.ready()
        const frame = engine.request(Op.Raise, 4, transaction.transaction, 0).uint(version)
        const [to, due] = await engine.run(frame, unpack as Decode<[number, boolean]>)
        if (due) await step(transaction, to)
        return to
      })
    }
  } catch (error) {
    session.version = before
    throw error
  }
  return at > from
}
