// The part of the panel that tells how the copy stands: how old it is, whether
// the origin is heard, what is wanted of it, and whether others could read it.

import type { Mode } from 'stowage/sync'

import type { Atlas } from './atlas'
import { byId, element } from './element'
import { showTrouble } from './notice'
import { lock } from './opening'
import type { Origin, Standing } from './origin'
import type { Pages } from './pages'
import { age, count, size } from './wording'

/** How often it is told anew, in milliseconds. */
const every = 500

const meanings: Record<Mode, string> = {
  'cache-first': 'Shows what is here at once, and asks the origin behind it.',
  'prefer-cache': 'Shows what is here. The origin is asked only for what is not.',
  'offline-fallback': 'Asks the origin first. Where it does not answer within 3 s, what is here is shown.',
  freshen: 'Asks the origin first. Where it does not answer, nothing is shown that may be old.',
  offline: 'Asks the origin for nothing. What is here is shown, however old.',
}

/** Starts telling, and listens to what the visitor wants. */
export function showStanding(db: Atlas, origin: Origin, pages: Pages, sealed: boolean): void {
  chooseMode(origin, pages)
  const follow = byId<HTMLInputElement>('follow')
  follow.addEventListener('change', () => origin.want({ follow: follow.checked }).catch(showTrouble))
  byId('refresh').addEventListener('click', () => void refresh(origin))
  showSecret(db, sealed)
  let heard = false
  const tell = (): void => {
    const { standing, wish } = origin
    if (heard !== (heard = standing.phase === 'live' || standing.phase === 'elsewhere')) pages.retry().catch(showTrouble)
    follow.checked = wish.follow
    showMode(wish.mode)
    say('link', link(standing, wish.mode))
    byId('link').dataset.phase = navigator.onLine ? standing.phase : 'retrying'
    say('copy', `${count(standing.rows)} rows, ${standing.whole ? 'whole' : 'not all of them'}${standing.asOf > 0 ? `, as of ${age(Date.now() - standing.asOf)}` : ''}`)
    say('traffic', `${count(standing.requests)} requests from this tab, ${size(standing.bytes)} came`)
  }
  tell()
  setInterval(tell, every)
}

/** Says it once: what is said again is read aloud again. */
function say(id: string, text: string): void {
  const place = byId(id)
  if (place.textContent !== text) place.textContent = text
}

/** Whether the origin is heard. */
function link({ phase, error }: Standing, mode: Mode): string {
  if (mode === 'offline') return 'Offline, as you wish'
  if (!navigator.onLine) return mode === 'freshen' ? 'No network' : 'No network: shows what is here'
  switch (phase) {
    case 'live': return 'In step with the origin'
    case 'elsewhere': return 'In step, by way of another tab'
    case 'retrying': return error?.code === 'quota' ? 'No space in this browser: tried again soon' : 'No answer from the origin: tried again soon'
    case 'paused': return 'Asks the origin when you do'
    case 'failed': case 'needs token': return `Stopped: ${error?.code ?? phase}`
    default: return 'Asking the origin…'
  }
}

function chooseMode(origin: Origin, pages: Pages): void {
  const select = byId<HTMLSelectElement>('mode')
  select.replaceChildren(...Object.keys(meanings).map((mode) => element('option', {}, mode)))
  const choose = async (): Promise<void> => {
    await origin.want({ mode: select.value as Mode })
    showMode(origin.wish.mode)
    await pages.again()
  }
  select.addEventListener('change', () => choose().catch(showTrouble))
  addEventListener('storage', () => showMode(origin.wish.mode))
}

/** Shows the mode, wherever it was chosen: here, in another tab, or by what the list offers. */
function showMode(mode: Mode): void {
  byId<HTMLSelectElement>('mode').value = mode
  say('mode-means', meanings[mode])
}

/** Asks for what is new, and says what came of it. */
async function refresh(origin: Origin): Promise<void> {
  const button = byId<HTMLButtonElement>('refresh')
  button.disabled = true
  say('refreshed', 'Asking…')
  try {
    await origin.refresh()
    say('refreshed', 'All that is there is here.')
  } catch (error) {
    const { code } = error as { code?: string }
    say('refreshed', code === 'offline' ? 'In the mode offline nothing is asked.' : 'The origin does not answer. What is here stays.')
  } finally {
    button.disabled = false
  }
}

function showSecret(db: Atlas, sealed: boolean): void {
  say('sealed', sealed
    ? 'Encrypted under your passphrase, all of it. Locking takes the keys out of memory, in every tab.'
    : 'Not encrypted: whoever can read this browser’s files can read the atlas. A passphrase is chosen before the first pull.')
  const button = byId('lock')
  button.hidden = !sealed
  button.addEventListener('click', () => lock(db).catch(showTrouble))
}
