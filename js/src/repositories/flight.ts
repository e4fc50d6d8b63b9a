/*
 * Flights are the answers that somebody waits for, so that nobody asks for one twice.
 *
 * The other side is store/repository/flight.go.
 */

/** What came of a flight. It never rejects, for nobody may be left who waits. */
export type Landed<V> = { readonly value: V | undefined; readonly error?: undefined } | { readonly error: unknown }

/** What it was that came, or a throw. */
export function valueOf<V>(landed: Landed<V>): V | undefined {
  if ('error' in landed) throw landed.error
  return landed.value
}

export class Flight<V> {
  readonly done: Promise<Landed<V>>
  /** The entity has changed meanwhile: the answer must not be kept. */
  stale = false
  private settle!: (landed: Landed<V>) => void

  constructor(
    readonly id: string,
    readonly text: string,
  ) {
    this.done = new Promise(resolve => (this.settle = resolve))
  }

  /** @internal */
  end(landed: Landed<V>): void {
    this.settle(landed)
  }
}

export class Flights<V> {
  private readonly byID = new Map<string, Map<string, Flight<V>>>()

  /** The flight for a question, and whether it is the caller who must land it. */
  board(id: string, text: string): { flight: Flight<V>; leads: boolean } {
    const about = this.byID.get(id) ?? new Map<string, Flight<V>>()
    const there = about.get(text)
    if (there !== undefined) return { flight: there, leads: false }
    const flight = new Flight<V>(id, text)
    this.byID.set(id, about.set(text, flight))
    return { flight, leads: true }
  }

  /** Ends a flight. An answer that holds is kept. */
  land(flight: Flight<V>, landed: Landed<V>, keep: (id: string, text: string, value: V | undefined) => void): void {
    if (!flight.stale) {
      const about = this.byID.get(flight.id)!
      about.delete(flight.text)
      if (about.size === 0) this.byID.delete(flight.id)
      if (!('error' in landed)) keep(flight.id, flight.text, landed.value)
    }
    flight.end(landed)
  }

  /** Has no flight for a key be boarded or kept any more. */
  forget(id: string): void {
    for (const flight of this.byID.get(id)?.values() ?? []) flight.stale = true
    this.byID.delete(id)
  }
}
