/*
 * Kills a real browser with SIGKILL while a page commits, starts it again on the
 * same profile, and looks what is there.
 *
 *     node proof/kills.mjs            KILLS=40 LASTS=0 SEED=… CHROMIUM=…
 *
 * A page writes to an environment, strict and relaxed commits in turn, each of two
 * documents, and beside it to a database of its own in raw IndexedDB, strictly too:
 * the canary. Whatever it has been promised it reports to this process. Seven of eight kills
 * wait until the round has been promised something: on a slow machine most would hit an opening
 * else, not a write. After each kill the next page tells what it finds. It fails when
 *
 *   - a strict commit that was acknowledged is gone, although the canary is whole,
 *   - a commit is there in part, or one is missing among later ones,
 *   - check() finds a problem, or opening fails for no reason that has a name,
 *   - the browser lost data (the canary is not whole) and opening did not say so,
 *   - nothing is lost and opening says that something is.
 *
 * It prints a line for people and, last, one line of JSON: campaign, count,
 * failures, seed, seconds.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { promise, randomFrom, rest, serve, start } from './browser/browser.mjs'

const kills = Number(process.env.KILLS ?? 40) // at least
const lasts = Number(process.env.LASTS ?? 0) * 1000
const seed = Number(process.env.SEED || Date.now() % 1_000_000_000)
const random = randomFrom(seed)

/** What the page has been promised, over all rounds. */
const promised = { strict: 0, relaxed: 0, canary: 0 }
const outcome = { kills: 0, writing: 0, failures: 0, losses: 0, relaxed: 0, commits: 0 }

let from = 0 // the first number of the round
let before // the state that the last round told
let told // resolves with what the page found
let wrote // resolves when the page has first been promised something, or says why it writes no more
function reply(path, body) {
  if (path === '/found') told(body)
  if (path === '/done') {
    promised[body.kind] = Math.max(promised[body.kind], body.number)
    outcome.commits++
    wrote()
  }
  if (path === '/stopped') wrote(body.error)
}

async function main() {
  const began = Date.now()
  const profile = mkdtempSync(join(tmpdir(), 'stowage-kills-'))
  const server = await serve('kills-page.mjs', reply)
  try {
    for (let round = 0, last = false; !last; round++) {
      last = round >= kills && Date.now() - began >= lasts
      const looked = promise()
      const written = promise()
      told = looked.say
      wrote = (error) => written.say(error ?? true)
      const browser = start(profile, `${server.origin}/?from=${next()}`)
      try {
        const found = await browser.hear(looked.said)
        judge(found, round)
        if (!last) outcome.writing += await writes(browser, found.error === undefined ? written.said : Promise.resolve(false), round)
      } finally {
        await browser.kill()
      }
      if (!last) outcome.kills++
    }
  } finally {
    server.stop()
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
  const seconds = (Date.now() - began) / 1000
  console.log(`kills: ${outcome.kills} kills, ${outcome.writing} of them of a page that wrote, ${outcome.commits} commits acknowledged, ${outcome.losses} losses by the browser, ` +
    `${outcome.relaxed} relaxed commits lost, ${outcome.failures} failures, seed ${seed}`)
  console.log(JSON.stringify({ campaign: 'kills', count: outcome.kills, failures: outcome.failures, seed, seconds }))
  process.exitCode = outcome.failures > 0 || outcome.kills < kills ? 1 : 0
}

/** Waits until it is time to kill, mostly until a page writes, and tells whether it has. */
async function writes(browser, written, round) {
  if (random() < 7 / 8) await browser.hear(written)
  await rest(Math.floor(random() * 400))
  const how = await Promise.race([written, false])
  if (typeof how === 'string') fail(round, `writing ended: ${how}`)
  return how === true
}

/**
 * A number no commit has had yet: neither one that a round lost, nor one of a round that was killed before it
 * could tell of any.
 */
function next() {
  from = Math.max(from, promised.strict, promised.relaxed, promised.canary) + 1000
  return from
}

/** Holds what a page found against what its predecessors were promised. */
function judge(found, round) {
  const wrong = []
  const whole = found.canary >= promised.canary
  if (!whole) {
    outcome.losses++
    if (found.state === 'fresh' || found.state === 'ok') wrong.push(`the browser lost data and opening said ${found.state}`)
  } else {
    if (found.error) wrong.push(`opening failed: ${found.error}`)
    if (found.strict < promised.strict) wrong.push(`strict commit ${promised.strict} was acknowledged, the last there is ${found.strict}`)
    if (found.relaxed < promised.relaxed) outcome.relaxed++
    else if (found.strict >= promised.strict && before === 'ok' && found.state !== 'ok') wrong.push(`nothing is missing and opening said ${found.state}`)
  }
  wrong.push(...found.problems)
  before = found.state
  for (const what of wrong) fail(round, what)
  if (!whole || found.error) Object.assign(promised, { strict: 0, relaxed: 0, canary: 0 }) // begin anew on what there is
}

function fail(round, what) {
  console.error(`kills: round ${round}, seed ${seed}: ${what}`)
  outcome.failures++
}

main().catch((error) => {
  console.error(`kills: ${error.stack}`)
  console.log(JSON.stringify({ campaign: 'kills', count: outcome.kills, failures: outcome.failures + 1, seed, seconds: 0 }))
  process.exitCode = 1
})
