// A worker whose Workers KV lapses as it is told to at /lapses: the next `times` calls `of` a method, or of all, in a way, while its clock is `speed` times as fast.
import { hurry } from './hurried.mjs'
import program from './worker.mjs'

let plan = { of: '', times: 0, lapse: '' }

/** What becomes of a call of a method. */
function next(method) {
  if (plan.times === 0 || (plan.of !== 'all' && plan.of !== method)) return 'answered'
  plan.times--
  return plan.lapse
}

const failure = (method, words) => new Error(`KV ${method} failed: ${words}`)

async function lapsing(lapse, method, call) {
  if (lapse === 'refused') throw failure(method, '429 Too Many Requests')
  const answer = lapse === 'lost' || lapse === 'silent' ? undefined : await call()
  if (lapse === 'silent' || lapse === 'late') return new Promise(() => {})
  if (lapse === 'lost' || lapse === 'hidden') throw failure(method, '500 Internal Server Error')
  return answer
}

let namespace
const view = {}
for (const method of ['get', 'getWithMetadata', 'put', 'delete', 'list']) {
  view[method] = (...given) => {
    const lapse = next(method)
    if (lapse === 'thrown') throw failure(method, '500 Internal Server Error')
    return lapsing(lapse, method, () => namespace[method](...given))
  }
}

export default {
  async fetch(request, env, ctx) {
    namespace = env.NOTES
    if (new URL(request.url).pathname !== '/lapses') return program.fetch(request, { ...env, NOTES: view }, ctx)
    plan = await request.json()
    hurry(plan.speed)
    return Response.json(null)
  },
}
