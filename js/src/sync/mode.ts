/*
 * How much of an origin a view wants, and what it does about something that is here in whole, in part or not at all. The
 * table below is the one in VIEW.md. Go programs have the same in sync/mode.go.
 */

/** From the least that the origin is asked to the most. Of two, that of a view and that of a relation, the lesser holds. */
export const modes = ['offline', 'prefer-cache', 'cache-first', 'offline-fallback', 'freshen'] as const

/** See VIEW.md for what each does. */
export type Mode = (typeof modes)[number]

/** How something is here: what is `stale` is older than it may be, of what is `evicted` there is nothing. */
export type State = 'fresh' | 'complete' | 'stale' | 'partial' | 'evicted'

/** 'behind': shows what is here, and asks for the next time. 'try': asks, and shows what is here where there is no answer. */
type Doing = 'show' | 'ask' | 'behind' | 'try' | 'refuse'

const table: Record<Mode, Record<State, Doing>> = {
  'offline':          { fresh: 'show', complete: 'show',   stale: 'show',   partial: 'refuse', evicted: 'refuse' },
  'prefer-cache':     { fresh: 'show', complete: 'show',   stale: 'ask',    partial: 'ask',    evicted: 'ask' },
  'cache-first':      { fresh: 'show', complete: 'behind', stale: 'behind', partial: 'ask',    evicted: 'ask' },
  'offline-fallback': { fresh: 'show', complete: 'try',    stale: 'try',    partial: 'try',    evicted: 'try' },
  'freshen':          { fresh: 'show', complete: 'ask',    stale: 'ask',    partial: 'ask',    evicted: 'ask' },
}

export function doing(mode: Mode, state: State): Doing {
  return table[mode][state]
}

/** Whether there is something whole to be shown. */
export function shows(state: State): boolean {
  return state === 'fresh' || state === 'complete' || state === 'stale'
}

/** The mode that asks least of those that are given. */
export function least(mode: Mode, ...others: (Mode | undefined)[]): Mode {
  const place = Math.min(...[mode, ...others].flatMap(one => (one === undefined ? [] : [modes.indexOf(one)])))
  return modes[place]!
}
