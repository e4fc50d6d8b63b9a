import type { Coder } from '../coder/coder.js'
import type { Scope } from '../bridge/scope.js'

/** The values that are being compressed in a scope: what is asked of it meanwhile waits for them. */
const packing = new WeakMap<Scope, Promise<unknown>>()

/** Both coders of a store. Values are compressed, where they are, by the engine. */
export class Coding<K, V> {
  constructor(
    readonly key: Coder<K>,
    readonly value: Coder<V>,
    readonly level: number | undefined,
  ) {}

  /**
   * Encodes values before it returns, and sends them when they are compressed and what was asked of the scope before has been
   * sent. Mostly that is at once: calls take effect in the order in which they are made.
   */
  inTurn<R>(scope: Scope, values: V[], send: (bytes: Uint8Array[]) => Promise<R>): Promise<R> {
    const bytes = values.map(value => this.value.encode(value))
    const { level } = this
    const before = packing.get(scope)
    if (level === undefined || bytes.length === 0) return before === undefined ? send(bytes) : before.then(() => send(bytes))
    const packed = Promise.resolve(before).then(async () => (await scope.ready()).squeeze(bytes, level))
    const sent = packed.then(send)
    const done: Promise<unknown> = packed.catch(() => {}).then(() => packing.get(scope) === done && packing.delete(scope))
    packing.set(scope, done)
    return sent
  }

  async unpack(scope: Scope, bytes: Uint8Array[]): Promise<V[]> {
    const plain = this.level === undefined || bytes.length === 0 ? bytes : await (await scope.ready()).squeeze(bytes, undefined)
    return plain.map(value => this.value.decode(value))
  }
}
