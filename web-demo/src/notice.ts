// What stands in the middle of the page while there is no atlas to show: what is
// asked of the visitor, how far the first pull is, and what went wrong.

import { byId, element } from './element'
import { explain } from './trouble'

const notice = byId('notice')

/** Shows these elements in place of the atlas. */
export function show(kind: 'plain' | 'trouble', ...content: HTMLElement[]): void {
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

/** The title that the notice is labelled by. */
export const title = (text: string): HTMLElement => element('h2', { id: 'notice-title' }, text)

/** Says what went wrong. Its button loads the page again, which opens the store again. */
export function showTrouble(error: unknown): void {
  const { title: heading, text, code, action } = explain(error)
  byId('state').textContent = 'Not open'
  const button = element('button', { type: 'button', class: 'primary', onclick: () => location.reload() }, action)
  show('trouble', title(heading), element('p', {}, text), element('p', { class: 'code' }, `code: ${code}`), button)
  button.focus()
}
