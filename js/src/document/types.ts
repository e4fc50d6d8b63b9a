import type { Tested } from '../query/where.js'

/** A value that has no parts as far as paths go. */
export type Leaf =
  | string | number | bigint | boolean | null | undefined
  | Date | ArrayBufferView | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | RegExp | URL

/** What can be the identity of a document, or stand in an index. */
export type Key = string | number | bigint | boolean | Date | Uint8Array | readonly Key[]

/** A document whose shape is not declared. */
// biome-ignore lint: any is what makes every path and value of such a document acceptable
export type Doc = Record<string, any>

/**
 * The dotted paths into T, six levels deep at most: 'name', 'position.lat',
 * 'tags.0'. Any string, where T is not declared.
 */
export type Path<T> = PathTo<T, []>

type PathTo<T, Depth extends 0[]> =
  IsAny<T> extends true ? string
  : Depth['length'] extends 6 ? never
  : T extends Leaf ? never
  : T extends readonly (infer E)[] ? Step<`${number}`, E, Depth>
  : T extends object ? { [K in keyof T & string]: Step<K, T[K], Depth> }[keyof T & string]
  : never

type Step<K extends string, V, Depth extends 0[]> =
  IsAny<V> extends true ? K | `${K}.${string}` : K | `${K}.${PathTo<NonNullable<V>, [...Depth, 0]>}`

type IsAny<T> = 0 extends 1 & T ? true : false

/** What stands at a path of T. */
export type At<T, P extends string> =
  IsAny<T> extends true ? any
  : T extends readonly (infer E)[] ? P extends `${number}.${infer Rest}` ? At<NonNullable<E>, Rest> : E
  : P extends keyof T ? T[P]
  : P extends `${infer K}.${infer Rest}` ? K extends keyof T ? At<NonNullable<T[K]>, Rest> : never
  : string extends keyof T ? T[keyof T]
  : never

/** A path of T with the values a filter may compare it with. Where.requires is checked against the union of them. */
export type Comparable<T> =
  string extends keyof T ? [string, any]
  : Whole<T> | { [P in Path<T>]: [P, Operand<NonNullable<At<T, P>>> | Tested<Exclude<At<T, P>, undefined>>] }[Path<T>]

/** What can be asked of a document or an element itself. */
type Whole<T> = ['', Tested<T>]

/** V itself or null, and what may be asked of what is inside of it. */
type Operand<V> =
  | V | null
  | (V extends string ? { text: true } | { contains: string } : never)
  | (V extends number | bigint ? { mod: true } : never)
  | (V extends readonly (infer E)[] ? { contains: E } | { holds: E | null } | { size: true } | { elements: Elemental<E> } : never)

/** What a filter may demand of an element: see Comparable. */
type Elemental<E> = IsAny<E> extends true ? [string, any] : Comparable<NonNullable<E>> | ['', Operand<NonNullable<E>> | Tested<E>]

/** The paths of T that lead to numbers. */
export type NumberPath<T> =
  string extends keyof T ? string
  : { [P in Path<T>]: [Extract<NonNullable<At<T, P>>, number | bigint>] extends [never] ? never : P }[Path<T>]

/** What a value at a path of T can be where there is one, or undefined. */
export type Present<T, P extends string> = Exclude<At<T, P>, null> | undefined

/** What is left of T where only these paths are kept. */
export type Selected<T, P extends string> =
  IsAny<T> extends true ? any
  : string extends keyof T ? T
  : { [K in keyof T as K extends FirstOf<P> ? K : never]: K extends P ? T[K] : SelectedIn<T[K], RestOf<P, K & string>> }

type SelectedIn<V, P extends string> = V extends Leaf ? Extract<V, undefined> : Selected<V, P>

/** What is left of T where these paths are left out. */
export type Omitted<T, P extends string> =
  IsAny<T> extends true ? any
  : string extends keyof T ? T
  : { [K in keyof T as K extends P ? never : K]: K extends FirstOf<P> ? OmittedIn<T[K], RestOf<P, K & string>> : T[K] }

type OmittedIn<V, P extends string> = V extends Leaf ? V : Omitted<V, P>

type FirstOf<P extends string> = P extends `${infer K}.${string}` ? K : P

type RestOf<P extends string, K extends string> = P extends `${K}.${infer Rest}` ? Rest : never

/** A filter written as an object: every path must meet its test. */
export type Match<T> =
  string extends keyof T ? Record<string, unknown>
  : { [P in Path<T>]?: At<T, P> | null | Tests<NonNullable<At<T, P>>> | (NonNullable<At<T, P>> extends string ? RegExp : never) } & {
      $and?: readonly Match<T>[]
      $or?: readonly Match<T>[]
      $nor?: readonly Match<T>[]
      $not?: Match<T>
    }

/** The tests on one path. All that are given must hold. */
export interface Tests<V> {
  $eq?: V | null
  $ne?: V | null
  $lt?: V
  $lte?: V
  $gt?: V
  $gte?: V
  $between?: readonly [V, V]
  $in?: readonly (V | null | (V extends string ? RegExp : never))[]
  $nin?: readonly (V | null | (V extends string ? RegExp : never))[]
  $oneOf?: readonly (V | null)[]
  $exists?: boolean
  $type?: string | number | readonly (string | number)[]
  $not?: Tests<V> | (V extends string ? RegExp : never)
  $test?: (value: V) => unknown
  $startsWith?: V extends string ? string : never
  $endsWith?: V extends string ? string : never
  $icontains?: V extends string ? string : never
  $regex?: V extends string ? RegExp | string : never
  $options?: V extends string ? string : never
  $mod?: V extends number | bigint ? readonly [divisor: number, remainder: number] : never
  $contains?: V extends string ? string : V extends readonly (infer E)[] ? E : never
  $size?: V extends readonly unknown[] ? number : never
  $all?: V extends readonly (infer E)[] ? readonly (E | null)[] : never
  $any?: V extends readonly (infer E)[] ? readonly (E | null)[] : never
  $elemMatch?: V extends readonly (infer E)[] ? Inside<E> : never
  $every?: V extends readonly (infer E)[] ? Inside<E> : never
  $fragment?: V extends Leaf | readonly unknown[] ? never : Partial<V>
}

/** A filter of an element: tests of itself, or of its members. */
type Inside<E> = Tests<NonNullable<E>> | (E extends Leaf | readonly unknown[] ? never : Match<E>)

/** A path of T with what an operation may do there. Operation.requires is checked against the union of them. */
export type Changeable<T> =
  string extends keyof T ? [string, any]
  : { [P in Path<T>]: [P, Exclude<At<T, P>, undefined> | Changed<NonNullable<At<T, P>>>] }[Path<T>]

/** What an operation may take V to be. */
type Changed<V> =
  | (V extends number | bigint ? { number: true } : never)
  | (V extends string ? { text: true } : never)
  | (V extends readonly (infer E)[] ? { element: E } : never)
  | (V extends Leaf | readonly unknown[] ? never : { members: Partial<V> })

/** T as it may be inserted: what the table generates can be left out. */
export type Draft<T, Generated extends PropertyKey> =
  [Generated] extends [never] ? T : Omit<T, Generated> & Partial<Pick<T, Generated & keyof T>>
