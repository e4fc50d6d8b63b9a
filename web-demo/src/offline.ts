// Keeping the page for times without a network. The service worker has all of a
// version or none of it; a later version is told of, and taken when the visitor
// wants it, so that a page is never made of two.

import { byId } from './element'

/** Another version is looked for this often, in milliseconds, beside at each visit. */
const lookEvery = 3_600_000

/** Has the page kept. A browser that cannot is no worse off than before. */
export async function keepPage(): Promise<void> {
  if (!('serviceWorker' in navigator)) return say('This browser cannot keep the page for times without a network.')
  const { serviceWorker } = navigator
  const first = serviceWorker.controller === null
  serviceWorker.addEventListener('controllerchange', () => {
    if (!first || !byId('newer').hidden) location.reload()
  })
  const registration = await serviceWorker.register('offline.js', { updateViaCache: 'none' })
  const look = (): void => {
    if (registration.waiting && serviceWorker.controller) offer(registration.waiting)
  }
  registration.addEventListener('updatefound', () => registration.installing?.addEventListener('statechange', look))
  look()
  setInterval(() => registration.update().catch(() => {}), lookEvery) // offline there is none
  const { active } = await serviceWorker.ready
  say(`The page is kept for times without a network: version ${await versionOf(active!)}.`)
}

/** Tells of a later version. */
function offer(worker: ServiceWorker): void {
  byId('newer').hidden = false
  byId('take').addEventListener('click', () => worker.postMessage('take'), { once: true })
}

function versionOf(worker: ServiceWorker): Promise<string> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = ({ data }: MessageEvent<string>) => (port1.close(), resolve(data))
    worker.postMessage('version', [port2])
  })
}

function say(text: string): void {
  byId('kept').textContent = text
}
