// A service worker that keeps the page itself, so that the atlas opens with no
// network and no server. The data needs no such help: it is in the store.

const cacheName = 'atlas-page'

addEventListener('install', () => skipWaiting())
addEventListener('activate', (event) => event.waitUntil(clients.claim()))

// The page says which files it was made of, once it runs. Those of older builds go.
addEventListener('message', (event) => event.waitUntil(keep(event.data)))

addEventListener('fetch', (event) => {
  const { request } = event
  const { pathname } = new URL(request.url)
  if (request.method !== 'GET' || pathname.includes('/data/')) return
  // What stands in assets/ has a hash of its content in its name and never changes.
  event.respondWith(pathname.includes('/assets/') ? cachedFirst(request) : networkFirst(request))
})

async function keep(files) {
  const cache = await caches.open(cacheName)
  await cache.addAll(files)
  const wanted = new Set(files)
  for (const request of await cache.keys()) if (!wanted.has(request.url)) await cache.delete(request)
}

async function cachedFirst(request) {
  return (await caches.match(request)) ?? fetch(request)
}

async function networkFirst(request) {
  try {
    return await fetch(request)
  } catch (error) {
    const kept = await caches.match(request, { ignoreSearch: true })
    if (kept) return kept
    throw error
  }
}
