// The tree of the page of relations. A country has its neighbours and its large cities, a
// city its country: each is awaited when somebody opens it.

import { element } from './element'
import { flagOf } from './flags'
import type { Ledger } from './relationsledger'
import type { CityItem, CountryItem } from './relationsview'
import { count } from './wording'

/** A country that can be opened. */
export function countryNode(country: CountryItem, ledger: Ledger): HTMLElement {
  const code = nameIn(country.name)
  return node(
    [flagOf(country), country.name, element('small', {}, country.subregion || country.region)],
    async () => [
      node(['Neighbours'], async () => {
        const found = await ledger.run(`await ${code}.neighbours`, () => country.neighbours.get())
        return found && rows(found.map((one) => countryNode(one, ledger)), 'It has no neighbours.')
      }),
      node(['Large cities'], async () => {
        const found = await ledger.run(`await ${code}.cities`, () => country.cities.get())
        return found && rows(bySize(found).map((city) => cityNode(city, country, ledger)), 'It has none of more than 250,000 people.')
      }),
    ],
  )
}

function cityNode(city: CityItem, owner: CountryItem, ledger: Ledger): HTMLElement {
  const said = element('small', { role: 'status' })
  const ask = async (): Promise<void> => {
    const found = await ledger.run(`await ${nameIn(city.name)}.of`, () => city.of.get())
    const [country] = found ?? []
    said.textContent = country === undefined ? '' : country === owner ? `=== ${nameIn(owner.name)}, the very same object` : `${country.name}, another object`
  }
  return element('li', { class: 'place' },
    element('span', {}, city.name),
    element('button', { type: 'button', onclick: () => void ask(), 'aria-label': `Country of ${city.name}` }, '.of'),
    said,
    element('span', { class: 'number', title: 'people' }, count(city.population)))
}

/** What is loaded when it is opened, once; and once more, if that has failed. */
function node(title: (Node | string)[], load: () => Promise<HTMLElement[] | undefined>): HTMLElement {
  const list = element('ol')
  const details = element('details', {}, element('summary', {}, ...title), list)
  let loaded = false
  details.addEventListener('toggle', async () => {
    if (!details.open || loaded) return
    loaded = true
    details.setAttribute('aria-busy', 'true')
    const found = await load()
    details.setAttribute('aria-busy', 'false')
    loaded = found !== undefined
    list.replaceChildren(...(found ?? [element('li', { class: 'none' }, 'Not here.')]))
  })
  return element('li', {}, details)
}

const rows = (made: HTMLElement[], none: string): HTMLElement[] => (made.length > 0 ? made : [element('li', { class: 'none' }, none)])

const bySize = (cities: readonly CityItem[]): CityItem[] => [...cities].sort((a, b) => b.population - a.population)

/** A name as code has it: "Czech Republic" → "czechRepublic". */
export function nameIn(name: string): string {
  const words = name.normalize('NFD').replace(/[^\p{L}\p{N} ]/gu, '').split(' ').filter(Boolean)
  return words.map((word, i) => (i === 0 ? word.toLowerCase() : word[0]!.toUpperCase() + word.slice(1))).join('')
}
