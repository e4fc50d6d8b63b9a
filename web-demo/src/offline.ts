// Keeping the page for times without a network: a service worker is told the
// files that this page was made of.

/** Has the page kept. A browser that cannot is no worse off than before. */
export async function keepPage(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  const { active, installing, waiting } = await navigator.serviceWorker.register('offline.js')
  const worker = active ?? waiting ?? installing
  worker?.postMessage(filesOfPage())
}

/** The addresses of the page and of all it has loaded, but for the data: that is in the store. */
function filesOfPage(): string[] {
  const page = new URL('.', location.href).href
  const loaded = performance.getEntriesByType('resource').map((entry) => entry.name)
  return [...new Set([page, ...loaded.filter((name) => name.startsWith(page) && !name.startsWith(`${page}data/`))])]
}
