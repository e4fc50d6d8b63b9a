import { type DependencyList, useMemo, useSyncExternalStore } from 'react'

import type { Find } from './query/find.js'
import { live, type LiveOptions, type LiveState, nothingYet } from './live.js'

/**
 * The result of a query, kept up to date while the component is shown. `find` is called when one of `deps` has
 * changed; while it returns undefined, as long as the environment is being opened, nothing is known.
 * A server renders that nothing is known, too.
 *
 *     const { documents, pending } = useLive(() => db?.cities.find({ country }).limit(20), [db, country])
 */
export function useLive<T>(find: () => Find<T> | undefined, deps: DependencyList, options?: LiveOptions): LiveState<T> {
  const { subscribe, getSnapshot, getServerSnapshot } = useMemo(() => {
    const asked = find()
    return asked === undefined ? idle : watched(asked, options)
  }, deps)
  return useSyncExternalStore(subscribe, getSnapshot, getServerSnapshot)
}

/** Functions that stay the same from one rendering to the next: for others, React would begin anew each time. */
function watched<T>(find: Find<T>, options: LiveOptions | undefined) {
  const { subscribe, getSnapshot, getServerSnapshot } = live(find, options)
  return { subscribe: (changed: () => void) => subscribe({ next: changed, error: changed }), getSnapshot, getServerSnapshot }
}

/** What there is to watch before there is anything. */
const idle = {
  subscribe: () => () => {},
  getSnapshot: () => nothingYet,
  getServerSnapshot: () => nothingYet,
}
