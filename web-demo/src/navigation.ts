// From the address to a page, and from the search field and the keyboard to the address.

import { byId } from './element'
import { showTrouble } from './notice'
import type { Pages } from './pages'
import { address, currentRoute } from './route'
import { walkRows } from './rows'
import { nextTurn } from './turn'

/** Shows the page of the address, now and whenever that changes; returns when the first is shown. */
export async function navigate(pages: Pages): Promise<void> {
  const field = byId<HTMLInputElement>('query')
  const follow = async (): Promise<void> => {
    const route = currentRoute()
    const text = route.page === 'search' ? route.text : ''
    if (field.value.trim() !== text) field.value = text
    await pages.show(route).catch(showTrouble)
  }
  await follow()
  addEventListener('hashchange', follow)

  byId('search').addEventListener('submit', (event) => event.preventDefault())
  field.addEventListener('input', () => {
    const text = field.value.trim()
    const next = address(text ? { page: 'search', text } : { page: 'countries', region: '' })
    // One step back leaves a search, however many letters it took.
    if (currentRoute().page === 'search') history.replaceState(null, '', next)
    else history.pushState(null, '', next)
    void follow()
  })
  addEventListener('keydown', (event) => {
    if (event.key !== '/' || document.activeElement === field) return
    event.preventDefault()
    field.select()
    field.focus()
  })
  walkRows(byId('list'), field)
  await nextTurn() // the list is laid out first
  field.focus({ preventScroll: true })
}
