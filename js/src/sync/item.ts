/*
 * What a view hands out: one object for each row, however often it is asked for. Columns are plain members, relations are
 * awaited. It shows what was loaded last, for as long as the view is open.
 */
import { StowageError } from '../errors.js'
import type { RowKey } from './message.js'
import { nameOf, same } from './shape.js'
import type { Row } from './value.js'

/** Where a row comes from, and how old it is. */
export interface About {
  /** 'origin': since the view was opened. */
  readonly source: 'origin' | 'cache' | 'overlay'
  /** In milliseconds since 1970; 0 for what was only made here. */
  readonly fetchedAt: number
  readonly stale: boolean
}

/** What an object stands for. */
export interface Held {
  readonly model: string
  readonly key: RowKey
  readonly item: object
  /** Its columns. */
  readonly row: Row
  about: About
}

/** The objects of a view. Those that nobody holds any more are forgotten. */
export class Items {
  private readonly held = new Map<string, WeakRef<object>>()
  private readonly known = new WeakMap<object, Held>()
  private readonly forgotten = new FinalizationRegistry<string>(name => {
    if (this.held.get(name)?.deref() === undefined) this.held.delete(name)
  })

  /** `live` throws once the view is closed; `related` makes the relation of an object, where there is one of that name. */
  constructor(
    private readonly live: () => void,
    private readonly related: (held: Held, name: string) => object | undefined,
  ) {}

  /** The object of a row; tells `changed` where it showed something else until now. */
  show(model: string, key: RowKey, row: Row, about: About, changed?: () => void): object {
    const found = this.find(model, key)
    if (found === undefined) return this.make(model, key, row, about)
    found.about = about
    if (replace(found.row, row)) changed?.()
    return found.item
  }

  /** What an object stands for; undefined for one that is not of this view. */
  of(item: unknown): Held | undefined {
    return this.known.get(item as object)
  }

  find(model: string, key: RowKey): Held | undefined {
    const item = this.held.get(itemName(model, key))?.deref()
    return item && this.known.get(item)
  }

  /** The identities of the objects of a model that somebody holds. */
  keys(model: string): RowKey[] {
    return [...this.held.values()].flatMap(item => {
      const held = this.known.get(item.deref() ?? {})
      return held?.model === model ? [held.key] : []
    })
  }

  private make(model: string, key: RowKey, given: Row, about: About): object {
    const row = { ...given }
    const relations = new Map<string, object | undefined>()
    const item = new Proxy(row, {
      get: (columns, name) => {
        if (typeof name === 'symbol') return Reflect.get(columns, name)
        this.live()
        if (Object.hasOwn(columns, name)) return columns[name]
        if (!relations.has(name)) relations.set(name, this.related(held, name))
        return relations.get(name) ?? Reflect.get(columns, name)
      },
      has: (columns, name) => Object.hasOwn(columns, name) || (typeof name === 'string' && this.related(held, name) !== undefined),
      set: refuse,
      defineProperty: refuse,
      deleteProperty: refuse,
    })
    const held: Held = { model, key, item, row, about }
    const name = itemName(model, key)
    this.known.set(item, held)
    this.held.set(name, new WeakRef(item))
    this.forgotten.register(item, name)
    return item
  }
}

function refuse(): never {
  throw new StowageError('read_only', 'an object of a view is changed with change() of its model')
}

/** Gives an object other members; tells whether it has. */
function replace(row: Row, by: Row): boolean {
  let changed = false
  for (const name of Object.keys(row)) {
    if (name in by) continue
    delete row[name]
    changed = true
  }
  for (const name of Object.keys(by)) {
    if (same(row[name], by[name]) && name in row) continue
    row[name] = by[name]
    changed = true
  }
  return changed
}

const itemName = (model: string, key: RowKey) => `${model} ${nameOf(key)}`
