import { StowageError } from '../errors.js'
import { overlay, type Steps } from './overlay.js'

/** A schema as zod, valibot and others offer it: the interface of standardschema.dev. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Result<Output> | Promise<Result<Output>>
  }
}

type Result<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/**
 * A policy that stores only what a schema accepts, as the schema makes it: with its defaults and transformations. Anything
 * else is `invalid_document`, whose cause has the issues.
 *
 *     table<City>({ key: 'id', policies: [validated(z.object({ id: z.number(), name: z.string() }))] })
 */
export function validated<T>(schema: StandardSchema<T>): Steps<T> {
  const standard = schema?.['~standard']
  if (typeof standard?.validate !== 'function') throw new StowageError('invalid_option', 'validated: needs a Standard Schema')
  const check = async (document: T): Promise<T> => {
    const result = await standard.validate(document)
    if (result.issues === undefined) return result.value
    const paths = result.issues.map(({ path = [] }) => path.map(step => String(typeof step === 'object' ? step.key : step)).join('.'))
    const where = [...new Set(paths)].map(path => (path === '' ? 'itself' : `"${path}"`)).join(', ')
    throw new StowageError('invalid_document', `the document does not meet its schema: ${where}`, { cause: result.issues })
  }
  return { over: overlay, created: check, updated: check }
}
