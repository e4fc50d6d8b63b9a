import { StowageError } from '../errors.js'

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

/** Makes of what a schema accepts what it makes of it. Anything else is `invalid_document`, whose cause has the issues. */
export function conforming<T>(call: string, schema: StandardSchema<T>): (document: T) => Promise<T> {
  const standard = schema?.['~standard']
  if (typeof standard?.validate !== 'function') throw new StowageError('invalid_option', `${call}: needs a Standard Schema`)
  return async document => {
    const result = await standard.validate(document)
    if (result?.issues === undefined) {
      if (Object(result?.value) === result?.value) return result.value
      throw new StowageError('invalid_document', `${call}: the schema makes no document of it`)
    }
    const paths = result.issues.map(({ path = [] }) => path.map(step => String(typeof step === 'object' ? step.key : step)).join('.'))
    const where = [...new Set(paths)].map(path => (path === '' ? 'itself' : `"${path}"`)).join(', ')
    throw new StowageError('invalid_document', `the document does not meet its schema: ${where}`, { cause: result.issues })
  }
}
