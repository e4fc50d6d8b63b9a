// The first pull: the invitation, how far it is, and stopping it. What has
// arrived stays; the next pull goes on from there, in this tab or in another.

import type { Atlas } from './atlas'
import { byId, element } from './element'
import { show, title } from './notice'
import { seal } from './opening'
import type { Origin } from './origin'
import { whyAgain } from './trouble'
import { count, duration, size } from './wording'

/** How often the bar is moved, in milliseconds. */
const every = 100

/** How it went. */
export interface Pulled {
  word: string // to be shown; empty where all was there
  sealed: boolean // with a passphrase that was chosen here
}

/** Pulls until all is here, if it is not. Once it was asked for, it goes on unasked. */
export async function havePulled(db: Atlas, origin: Origin): Promise<Pulled> {
  let sealed = false
  if (origin.wanted && origin.standing.whole) return { word: '', sealed }
  for (let asked = origin.wanted; ; asked = false) {
    if (!asked) {
      const passphrase = await invite(origin)
      if (passphrase) {
        byId('state').textContent = 'Making keys…'
        await seal(db, passphrase)
        sealed = true
      }
    }
    const start = performance.now()
    if (origin.wish.mode === 'offline') await origin.want({ mode: 'cache-first' })
    origin.start()
    const elsewhere = await finished(origin)
    if (elsewhere === undefined) continue // it was stopped
    return { word: elsewhere ? 'Pulled by another tab' : `Pulled in ${duration(performance.now() - start)}`, sealed }
  }
}

/** Waits for the visitor to start, or for another tab to have; returns the passphrase that was chosen, or ''. */
async function invite(origin: Origin): Promise<string> {
  const { rows } = origin.standing
  byId('state').textContent = rows > 0 ? 'Stopped' : 'Empty'
  const button = element('button', { type: 'submit', class: 'primary', id: 'pull' }, rows > 0 ? 'Go on' : 'Pull the world')
  const field = element('input', { id: 'new-passphrase', type: 'password', autocomplete: 'new-password', 'aria-describedby': 'new-passphrase-told' })
  const choice = element('details', { class: 'choice' },
    element('summary', {}, 'Encrypt it with a passphrase'),
    element('label', { for: 'new-passphrase' }, 'Passphrase'), field,
    element('p', { id: 'new-passphrase-told', class: 'small' },
      'Whoever gets at this browser’s files finds nothing of it to read. You are asked for it at each visit, and nobody can tell it to you. ' +
      'Relations and What changed are pages with stores of their own, in clear.'))
  const form = element('form', {}, rows > 0 ? '' : choice, button)
  show('plain', title('Bring the world aboard'),
    element('p', {}, 'Every city of more than a thousand people, and its country, come from the origin once. ' +
      'From then on they live in this browser, indexed: searching them needs no network, today or next year.'),
    element('p', { id: 'stopped', role: 'status' }, rows > 0 ? `${count(rows)} rows are here already. It goes on from there.` : ''),
    form)
  button.focus()
  const over = new AbortController()
  const chosen = new Promise<string>((resolve) => {
    form.addEventListener('submit', (event) => (event.preventDefault(), resolve(field.value)))
  })
  try {
    return await Promise.race([chosen, origin.wantedElsewhere(over.signal).then(() => '')])
  } finally {
    over.abort()
  }
}

/** Shows a bar until all is here; tells whether another tab did it, undefined where the visitor stopped it. */
async function finished(origin: Origin): Promise<boolean | undefined> {
  let stopped = false
  const bar = element('progress', { 'aria-labelledby': 'notice-title' })
  const done = element('span', { id: 'pulled' })
  const came = element('span')
  const told = element('p', { id: 'pulling', role: 'status' })
  const aloud = element('p', { class: 'aloud', role: 'status' })
  const button = element('button', { type: 'button', id: 'cancel', class: 'more', onclick: () => { stopped = true } }, 'Stop')
  show('plain', title('Pulling the world'), bar, element('div', { class: 'amount' }, done, came), told, aloud, button)
  byId('state').textContent = 'Pulling…'
  button.focus()
  for (;;) {
    const { whole, rows, of, phase, error, bytes } = origin.standing
    if (phase === 'failed' && error) throw error
    if (of) bar.value = rows / of
    done.textContent = of ? `${count(rows)} of ${count(of)} rows` : `${count(rows)} rows`
    came.textContent = bytes > 0 ? size(bytes) : ''
    const words = phase === 'retrying' ? whyAgain(error) : phase === 'elsewhere' ? 'Another tab pulls; this one looks on.' : ''
    if (told.textContent !== words) told.textContent = words
    const quarter = of ? `${25 * Math.floor((4 * rows) / of)} percent` : ''
    if (aloud.textContent !== quarter) aloud.textContent = quarter
    if (whole) return bytes === 0
    if (stopped) {
      origin.stop()
      return undefined
    }
    await new Promise((resolve) => setTimeout(resolve, every))
  }
}
