// The service worker: it keeps the page itself, all files of one version. The
// data needs no such help: it is in the store. What the origin answers is never
// kept here, for the page knows better than a cache how old that is.

/** Written by the build, see shell.mjs: {version, files}. */
const shell = SHELL

const cacheName = `atlas ${shell.version}`

addEventListener('install', (event) => event.waitUntil(keep()))

// The first version is there at once; a later one waits until the visitor takes it.
addEventListener('activate', (event) => event.waitUntil(dropOthers().then(() => clients.claim())))

addEventListener('message', ({ data, ports }) => {
  if (data === 'take') skipWaiting()
  if (data === 'version') ports[0].postMessage(shell.version)
})

addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  const scope = new URL(registration.scope)
  if (request.method !== 'GET' || origin !== scope.origin || !pathname.startsWith(scope.pathname)) return
  const file = pathname.slice(scope.pathname.length) || 'index.html'
  if (shell.files.includes(file)) event.respondWith(kept(request, file))
})

/** Fetches all files past the browser's cache, which may have some of another version. */
async function keep() {
  const cache = await caches.open(cacheName)
  await cache.addAll(shell.files.map((file) => new Request(file, { cache: 'no-cache' })))
}

/** A file that was lost, as when the browser made room, comes from the network. */
async function kept(request, file) {
  const cache = await caches.open(cacheName)
  return (await cache.match(file)) ?? fetch(request)
}

async function dropOthers() {
  for (const name of await caches.keys()) if (name.startsWith('atlas ') && name !== cacheName) await caches.delete(name)
}
