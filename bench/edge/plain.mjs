// A worker with nothing between it and KV.
export default {
  async fetch(request, { STORE }) {
    const { pathname, searchParams } = new URL(request.url)
    const key = `note/${searchParams.get('id')}`
    if (pathname === '/put') {
      await STORE.put(key, await request.text())
      return Response.json(null)
    }
    return Response.json(pathname === '/get' ? (await STORE.get(key, { type: 'text', cacheTtl: 300 })).length : null)
  },
}
