// What changed: rows that came, went or are other ones than before, newest first.

import type { City } from './changesview'
import { byId, element } from './element'
import { count } from './wording'

/** One row, as it was and as it is; undefined where it was not, or is no more. */
export interface Difference {
  before: City | undefined
  after: City | undefined
}

const linesShown = 200

/** What is not the same in two states of a table. */
export function differences(before: ReadonlyMap<number, City>, after: ReadonlyMap<number, City>): Difference[] {
  const found: Difference[] = []
  for (const [id, city] of after) if (!same(before.get(id), city)) found.push({ before: before.get(id), after: city })
  for (const [id, city] of before) if (!after.has(id)) found.push({ before: city, after: undefined })
  return found
}

/** Puts them on top of the list. */
export function showDifferences(found: readonly Difference[]): void {
  const list = byId('changes')
  const now = new Date()
  list.prepend(...found.slice(0, linesShown).map((one) => line(one, now)))
  while (list.children.length > linesShown) list.lastElementChild?.remove()
  byId('quiet').hidden = list.children.length > 0
}

function line({ before, after }: Difference, now: Date): HTMLElement {
  const kind = before === undefined ? 'inserted' : after === undefined ? 'deleted' : 'changed'
  const at = element('time', { datetime: now.toISOString() }, now.toLocaleTimeString())
  return element('li', { class: kind },
    element('span', { class: 'kind' }, kind),
    element('strong', {}, (after ?? before)!.name),
    at,
    element('dl', {}, ...member('name', before?.name, after?.name), ...member('people', counted(before), counted(after))))
}

/** A member before and after, where it is another one. */
function member(name: string, before: string | undefined, after: string | undefined): HTMLElement[] {
  if (before === after) return []
  const arrow = before !== undefined && after !== undefined ? ' → ' : undefined
  return [
    element('dt', {}, name),
    element('dd', {}, before === undefined ? undefined : element('del', {}, before), arrow, after === undefined ? undefined : element('ins', {}, after)),
  ]
}

const counted = (city: City | undefined): string | undefined => city && count(city.population)

const same = (a: City | undefined, b: City): boolean => a === b || (a !== undefined && a.name === b.name && a.population === b.population)
