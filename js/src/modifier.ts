import { StowageError } from './errors.js'
import { Options } from './options.js'
import type { FrameWriter } from './wire.js'

/**
 * A stage that everything passes on its way to where it is stored: what `compress`, `encrypt` and
 * `modifier` return, for the option `modifiers` of `open`.
 */
export interface Modifier {
  /** @internal The order of stages, and what they are stored as. */
  readonly kind: Kind
  /** @internal */
  readonly id: number
  /** @internal */
  readonly method: 's2' | 'deflate' | 'none' | Functions
}

/** The kinds of stages, in the order that blobs pass them. The numbers are stored. */
export const enum Kind {
  Convert = 1,
  Compress = 2,
  Encrypt = 3,
  User = 4,
}

/** What a stage of your own does with the bytes of one blob. */
export interface Functions {
  seal(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
  /** Undoes seal. */
  open(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
}

const methods = ['none', 's2', 'deflate'] as const

/**
 * How blobs are compressed. 's2' is fast, and what is used without a word; 'deflate' makes them smaller by about
 * a quarter, and takes longer to write; 'none' leaves them. What it cannot shrink by an eighth is stored as it is.
 */
export function compress(method: (typeof methods)[number] = 's2'): Modifier {
  const id = methods.indexOf(method)
  if (id < 0) throw new StowageError('invalid_option', `compress: the method is one of ${methods.join(', ')}`)
  return { kind: Kind.Compress, id, method }
}

/**
 * A stage of your own, under a number that is stored with every blob: from 0 to 255, and never another one. It comes after
 * compression and encryption, or with `before` ahead of them. What it throws is the failure of the call
 * that needed it, which has changed nothing.
 *
 *     modifier(7, { seal: bytes => sign(bytes), open: bytes => verified(bytes) })
 */
export function modifier(id: number, functions: Functions & { before?: boolean }): Modifier {
  const o = new Options('modifier', functions)
  const [seal, open] = [o.function<Functions['seal']>('seal'), o.function<Functions['open']>('open')]
  const kind = o.boolean('before') === true ? Kind.Convert : Kind.User
  o.done()
  if (!Number.isInteger(id) || id < 0 || id > 255) throw new StowageError('invalid_option', 'modifier: the number of a stage is from 0 to 255')
  if (seal === undefined || open === undefined) throw new StowageError('invalid_option', 'modifier: seal and open must be functions')
  return { kind, id, method: { seal, open } }
}

/** The chain of an environment, ordered by kind: compressed by S2 unless it is said otherwise. */
export function readModifiers(o: Options): readonly Modifier[] {
  const given = (o.any('modifiers') ?? []) as readonly Modifier[]
  if (!Array.isArray(given) || !given.every(m => m?.kind >= Kind.Convert && m.method !== undefined)) {
    throw o.wrong('modifiers', 'a list of what compress(), encrypt() and modifier() return')
  }
  const chain = given.some(m => m.kind === Kind.Compress) ? [...given] : [compress(), ...given]
  chain.sort((a, b) => a.kind - b.kind)
  const twice = (m: Modifier, at: number) => at > 0 && m.kind === chain[at - 1]!.kind && (m.id === chain[at - 1]!.id || isSingle(m.kind))
  if (chain.some(twice) || chain.length > maxStages) throw o.wrong('modifiers', `a list of at most ${maxStages} different stages`)
  return chain.filter(m => m.method !== 'none')
}

/** The engine has the same bound. */
const maxStages = 8

/** What there is one way of in an environment. */
const isSingle = (kind: Kind) => kind === Kind.Compress || kind === Kind.Encrypt

/** @internal Whether a stage is made of functions, which no worker can be sent. */
export const isOwn = ({ method }: Modifier) => typeof method === 'object'

/** @internal Whether the host carries out a stage, rather than the engine. */
export const isHosted = ({ method }: Modifier) => method !== 's2'

/** Writes [[kind, id] …]. */
export function writeChain(frame: FrameWriter, chain: readonly Modifier[]): FrameWriter {
  frame.array(chain.length)
  for (const { kind, id } of chain) frame.array(2).uint(kind).uint(id)
  return frame
}
