// The rows of the lists, and moving through them with the keyboard.

import type { City, Country } from './atlas'
import { element } from './element'
import { flagOf } from './flags'
import { address } from './route'
import { count, many } from './wording'

/** cities is undefined as long as they have not been counted. */
export function countryRow(country: Country, cities: number | undefined): HTMLElement {
  const place = country.subregion || country.region
  return element('li', {},
    element('a', { class: 'row', href: address({ page: 'country', code: country.code }), 'data-country': country.code },
      flagOf(country),
      element('span', { class: 'name' }, country.name, element('small', {}, place)),
      element('span', { class: 'number' }, cities === undefined ? '' : cityCount(cities)),
    ))
}

/** Writes the number of its cities into a country's row, if list shows one. */
export function fillCount(list: HTMLElement, code: string, cities: number): void {
  const number = list.querySelector(`[data-country='${code}'] .number`)
  if (number) number.textContent = cityCount(cities)
}

const cityCount = (n: number): string => (n === 0 ? '–' : many(n, 'city', 'cities'))

/** pick is called when the row is chosen, point when the pointer or the focus comes to it. */
export function cityRow(
  city: City,
  country: Country | undefined,
  pick: (city: City) => void,
  point: (city: City) => void,
): HTMLElement {
  return element('li', {},
    element('button', {
      class: 'row', type: 'button', onclick: () => pick(city), onfocus: () => point(city), onpointerenter: () => point(city),
    },
      country ? flagOf(country) : undefined,
      element('span', { class: 'name' }, city.name, country ? element('small', {}, country.name) : undefined),
      element('span', { class: 'number', title: 'people' }, city.population > 0 ? count(city.population) : '–'),
    ))
}

/**
 * Lets the arrow keys, Home and End walk the rows of list, from the field above
 * them and back to it, and Escape return to the field.
 */
export function walkRows(list: HTMLElement, field: HTMLInputElement): void {
  const rows = (): HTMLElement[] => [...list.querySelectorAll<HTMLElement>('.row')]
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown') return
    event.preventDefault()
    rows()[0]?.focus()
  })
  list.addEventListener('keydown', (event) => {
    const all = rows()
    const at = all.indexOf(document.activeElement as HTMLElement)
    if (event.key === 'Escape') field.focus()
    if (at < 0) return
    const to: Record<string, HTMLElement | undefined> = {
      ArrowDown: all[at + 1],
      ArrowUp: at === 0 ? field : all[at - 1],
      Home: all[0],
      End: all.at(-1),
    }
    if (!(event.key in to)) return
    event.preventDefault()
    to[event.key]?.focus()
  })
}
