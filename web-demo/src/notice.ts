// What stands in the middle of the page while there is no atlas to show: the
// invitation to import, its progress, and what went wrong.

import { StowageError } from 'stowage'

import type { Atlas } from './atlas'
import { byId, element } from './element'
import { fill, readManifest, type Progress } from './fill'
import { explain } from './trouble'
import { count, duration, size } from './wording'

const notice = byId('notice')

/** Shows these elements in place of the atlas. */
function show(kind: 'plain' | 'trouble', ...content: HTMLElement[]): void {
  notice.className = kind
  notice.replaceChildren(...content)
  for (const pane of ['find', 'atlas', 'meter']) byId(pane).hidden = true
  notice.hidden = false
}

/** Takes the notice away and shows the atlas. */
export function clearNotice(): void {
  notice.hidden = true
  notice.replaceChildren()
  for (const pane of ['find', 'atlas', 'meter']) byId(pane).hidden = false
}

const title = (text: string): HTMLElement => element('h2', { id: 'notice-title' }, text)

/** Says what went wrong. Its button loads the page again, which opens the store again. */
export function showTrouble(error: unknown): void {
  const { title: heading, text, code, action } = explain(error)
  byId('state').textContent = 'Not open'
  const button = element('button', { type: 'button', class: 'primary', onclick: () => location.reload() }, action)
  show('trouble', title(heading), element('p', {}, text), element('p', { class: 'code' }, `code: ${code}`), button)
  button.focus()
}

/** Offers the import until it is done; says how it went. */
export async function importAtlas(db: Atlas): Promise<string> {
  let word = ''
  for (;;) {
    if (!(await invite(db, word))) return elsewhere
    const cancel = new AbortController()
    const progress = showProgress(() => cancel.abort())
    const start = performance.now()
    try {
      await fill(db, cancel.signal, progress)
      return `Imported in ${duration(performance.now() - start)}`
    } catch (error) {
      if (error instanceof StowageError && error.code === 'duplicate_key') return elsewhere
      if (!cancel.signal.aborted) throw error
      word = 'Nothing of it was kept: an import is one transaction.'
    }
  }
}

/** Another tab was faster. */
const elsewhere = 'Imported in another tab'

/** Waits for the user to start the import, or for another tab to have done it: false. word says how the last one ended. */
async function invite(db: Atlas, word: string): Promise<boolean> {
  const manifest = await readManifest()
  byId('state').textContent = word ? 'Cancelled' : 'Empty'
  const button = element('button', { type: 'button', class: 'primary', id: 'import' }, `Import ${count(manifest.cities)} cities`)
  show('plain',
    title('Bring the world aboard'),
    element('p', {}, `${count(manifest.cities)} cities and ${count(manifest.countries)} countries, ${size(manifest.bytes)}, come from the server once. ` +
      'From then on they live in this browser, indexed: searching them needs no network, today or next year.'),
    word ? element('p', { id: 'cancelled', role: 'status' }, word) : element('span'),
    button)
  button.focus()
  return new Promise((resolve) => {
    const stop = db.cities.find().limit(1).subscribe((cities) => cities.length > 0 && end(false))
    const end = (start: boolean): void => (stop(), resolve(start))
    button.addEventListener('click', () => end(true), { once: true })
  })
}

/** Shows a bar with a button to cancel; returns what moves the bar. */
function showProgress(cancel: () => void): (progress: Progress) => void {
  const bar = element('progress', { max: 1, value: 0, 'aria-labelledby': 'notice-title' })
  const done = element('span', { id: 'imported' }, '0 cities')
  const rate = element('span')
  const button = element('button', { type: 'button', id: 'cancel', class: 'more', onclick: cancel }, 'Cancel')
  show('plain', title('Importing'), bar, element('div', { class: 'amount' }, done, rate), button)
  byId('state').textContent = 'Importing…'
  button.focus()
  const start = performance.now()
  return ({ cities, of, saving }) => {
    bar.value = cities / of
    done.textContent = `${count(cities)} of ${count(of)} cities`
    rate.textContent = saving ? 'saving…' : `${count(Math.round(cities / ((performance.now() - start) / 1000)))} a second`
  }
}
