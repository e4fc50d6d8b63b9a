// Opening the atlas, which may have a passphrase; giving it one; and locking it
// again. Both hold in all tabs: what was on a page without the keys is gone with the page.

import { encrypt, StowageError } from 'stowage'

import { type Atlas, openAtlas } from './atlas'
import { byId, element } from './element'
import { show, title } from './notice'

/** The opened store. */
export interface Opened {
  db: Atlas
  sealed: boolean // has a passphrase
  took: number // milliseconds, without what the visitor took to type
}

/** Tells the other tabs that they have to ask for the passphrase. */
const locks = new BroadcastChannel('atlas locks')
locks.onmessage = () => location.reload()

/** Opens the atlas, and asks for its passphrase until it is the right one. */
export async function unlockAtlas(worker: boolean): Promise<Opened> {
  let passphrase: string | undefined
  for (;;) {
    const start = performance.now()
    try {
      const db = await openAtlas(worker, passphrase)
      return { db, sealed: passphrase !== undefined, took: performance.now() - start }
    } catch (error) {
      const code = error instanceof StowageError ? error.code : ''
      if (code !== 'key_required' && code !== 'wrong_key') throw error
      passphrase = await ask(code === 'wrong_key')
    }
  }
}

/** Gives an atlas a passphrase. What is in it by now is sealed as well. */
export async function seal(db: Atlas, passphrase: string): Promise<void> {
  await db.rechain([encrypt({ passphrase })])
  locks.postMessage('sealed')
}

/** Has every tab forget the keys, and what it shows. */
export async function lock(db: Atlas): Promise<void> {
  locks.postMessage('locked')
  await db.lock()
  location.reload()
}

/** Asks for the passphrase. */
function ask(wrong: boolean): Promise<string> {
  byId('state').textContent = 'Locked'
  const field = element('input', { id: 'passphrase', type: 'password', autocomplete: 'current-password', required: true, 'aria-describedby': 'passphrase-told' })
  const button = element('button', { type: 'submit', class: 'primary', id: 'unlock' }, 'Unlock')
  const told = element('p', { id: 'passphrase-told', role: 'status' },
    wrong ? 'That is not the passphrase. Nothing was opened, and nothing changed.' : 'All of it is encrypted: cities, countries, and what leads to them.')
  const form = element('form', { class: 'unlock' }, element('label', { for: 'passphrase' }, 'Passphrase'), field, button)
  show(wrong ? 'trouble' : 'plain', title(wrong ? 'Still locked' : 'The atlas is locked'), told, form,
    element('p', { class: 'small' }, 'Nobody can find out a passphrase that was forgotten. Then clear this site’s data in the browser’s settings, and pull the world again.'))
  field.focus()
  return new Promise((resolve) => {
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      button.disabled = true
      byId('state').textContent = 'Unlocking…'
      resolve(field.value)
    })
  })
}
