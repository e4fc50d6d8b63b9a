/** A value that has no parts as far as paths go. */
export type Leaf = string | number | bigint | boolean | Date | Uint8Array | null | undefined

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
  : { [P in Path<T>]: [P, Operand<NonNullable<At<T, P>>>] }[Path<T>]

/** V itself or null, and for strings and lists what they may contain. */
type Operand<V> =
  | V | null
  | (V extends string ? { contains: string } : never)
  | (V extends readonly (infer E)[] ? { contains: E } : never)

/** A filter written as an object: every path must meet its test. */
export type Match<T> =
  string extends keyof T ? Record<string, unknown>
  : { [P in Path<T>]?: At<T, P> | null | Tests<NonNullable<At<T, P>>> } & {
      $and?: readonly Match<T>[]
      $or?: readonly Match<T>[]
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
  $in?: readonly (V | null)[]
  $startsWith?: V extends string ? string : never
  $contains?: V extends string ? string : V extends readonly (infer E)[] ? E : never
  $exists?: boolean
}

/** T as it may be inserted: what the table generates can be left out. */
export type Draft<T, Generated extends PropertyKey> =
  [Generated] extends [never] ? T : Omit<T, Generated> & Partial<Pick<T, Generated & keyof T>>
