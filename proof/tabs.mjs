/*
 * Eight tabs of a real browser on one environment: they count to one number, write to
 * one another's tables, fold, and some of them are stopped, killed or closed.
 *
 *     node proof/tabs.mjs             ROUNDS=1 LASTS=0 KINDS=… SEED=… CHROMIUM=…
 *
 * A round is of one of these kinds, each of them a campaign:
 *
 *   - together: eight tabs count to a thousand each, one folds now and then
 *   - workers: the same with engines in workers, to fewer
 *   - frozen: the process of the tab that folds is stopped, at a moment drawn from the seed, until others
 *     have taken over and published; then it goes on. It is stopped before a transaction, not within one
 *     that writes: that the browser keeps open, and others waiting, for a minute (see RATIONALE.md)
 *   - killed: the same process is killed
 *   - closed: a tab is closed, or its process killed, while it commits
 *
 * A round fails when the counter is not the sum of what each tab has counted, when an acknowledged
 * commit is missing or one is there that nobody made, when tabs do not agree, when check() finds a
 * problem, and when anything never ends. How long taking over took at most is the result's `takeover`;
 * where the campaign LASTS, as in torture, it fails beyond six seconds.
 *
 * ROUNDS is how many of each kind there are at least, and LASTS for how many seconds they go on. It prints a line for
 * people and one line of JSON a campaign; the count is that of acknowledged increments.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { promise, randomFrom, rest, serve } from './browser/browser.mjs'
import { Tabs } from './browser/tabs.mjs'

const least = Number(process.env.ROUNDS ?? 1)
const lasts = Number(process.env.LASTS ?? 0) * 1000
const seed = Number(process.env.SEED || Date.now() % 1_000_000_000)
const only = process.env.KINDS?.split(',')
const random = randomFrom(seed)
const below = (n) => Math.floor(random() * n)

const count = 8
const bulk = 1800 // documents that a fill leaves
const patience = 60_000 // ms until a round of which no tab gets on has stopped for ever
const stride = 50 // increments that a tab is asked for at once
const takeoverBound = lasts > 0 ? 6 : Infinity // seconds; a machine that runs all the tests may be busy with others

/** What the loud tab has been promised, and what is to be done when a tab stands still. */
let told
let stands
const reply = (path, body) => {
  if (path === '/done') told = body.count
  if (path === '/moment') return stands()
}

const kinds = {
  async together(round) {
    await round.open(false)
    const counting = round.count(1000)
    for (let done = false; !done; ) {
      done = await Promise.race([counting.then(() => true), rest(1000)])
      if (!done) await round.tabs[below(count)].call('fold', 0)
    }
    await counting
  },

  async workers(round) {
    await round.open(true)
    await round.count(50)
  },

  async frozen(round) {
    await round.open(false)
    const [victim, ...others] = round.tabs
    const { began, folding, goOn } = await round.foldUntil(() => victim.stop())
    const counting = round.count(40, others)
    await others[below(others.length)].call('fold', 0)
    round.takeover(began)
    victim.goOn()
    goOn()
    await Promise.all([folding, counting])
    await round.count(5)
  },

  async killed(round) {
    await round.open(false)
    const [victim, ...others] = round.tabs
    const late = below(2) * below(10) // ms into what it was about to do, or none
    const { began } = await round.foldUntil(() => victim.kill(), late)
    const counting = round.count(40, others)
    await others[below(others.length)].call('fold', 0)
    round.takeover(began)
    await counting
  },

  async closed(round) {
    const worker = below(2) === 1
    await round.open(worker)
    const [victim, ...others] = round.tabs
    told = 0
    victim.call('count', 10_000, true).catch(() => {})
    const counting = round.count(40, others)
    while (told < 10) await rest(5)
    await rest(below(200))
    if (below(2) === 0) victim.kill()
    else await victim.close()
    await counting
    round.promised[0] = { least: told, most: 10_000 }
  },
}

/** One environment, and the tabs that have it open. */
class Round {
  constructor(name, tabs) {
    Object.assign(this, { name, tabs, took: undefined, wrong: [], filled: false })
    this.promised = tabs.map(() => ({ least: 0, most: 0 }))
    this.stir()
  }

  /** Notes that something has happened. */
  stir() {
    this.stirred = performance.now()
  }

  open(worker) {
    return Promise.all(this.tabs.map((tab, n) => tab.call('open', this.name, n, worker)))
  }

  /** Has tabs count, all of them or some. */
  async count(times, tabs = this.tabs) {
    await Promise.all(tabs.map(async (tab) => {
      const promised = this.promised[this.tabs.indexOf(tab)]
      for (let left = times; left > 0; left -= stride) {
        const some = Math.min(left, stride)
        await tab.call('count', some)
        promised.least += some
        promised.most += some
        this.stir()
      }
    }))
  }

  /**
   * Has the first tab fold, and does something to it where it asks for its database: just then, or so
   * many milliseconds later.
   */
  async foldUntil(strike, late = 0) {
    const victim = this.tabs[0]
    this.filled = true
    await victim.call('fill')
    for (let asks = await victim.call('fold', 0); ; asks >>= 1) {
      await victim.call('fill')
      const stood = promise()
      const answered = promise()
      stands = () => {
        stood.say(true)
        return late > 0 ? undefined : answered.said
      }
      const folding = victim.call('fold', 1 + below(asks)).catch((error) => victim.gone || Promise.reject(error))
      if (!(await Promise.race([stood.said, folding.then(() => false)]))) continue // this time it asked less often
      if (late > 0) await rest(late)
      strike()
      return { began: performance.now(), folding, goOn: answered.say }
    }
  }

  /** Notes how long others took to publish what the first tab would have. */
  takeover(began) {
    this.took = (performance.now() - began) / 1000
    if (this.took > takeoverBound) this.wrong.push(`taking over took ${this.took.toFixed(1)} s`)
  }

  /** Holds what every tab finds against what all were promised. */
  async judge() {
    const alive = this.tabs.filter((tab) => !tab.gone)
    const looks = await Promise.all(alive.map((tab) => tab.call('look')))
    for (const look of looks) this.wrong.push(...this.differences(look))
    for (const look of looks) if (JSON.stringify(look) !== JSON.stringify(looks[0])) this.wrong.push('tabs do not agree')
    this.wrong.push(...(await alive[below(alive.length)].call('problems')))
    await Promise.all(alive.map((tab) => tab.call('close')))
  }

  differences({ counts, rows, bulk: filled }) {
    const wrong = []
    const own = this.tabs.map((_, n) => counts[n] ?? 0)
    const sum = own.reduce((a, b) => a + b)
    if (counts.all !== sum) wrong.push(`the counter is ${counts.all}, and tabs have counted ${own.join(' + ')}`)
    this.promised.forEach(({ least, most }, n) => {
      const counted = `tab ${n}, which has counted ${own[n]}`
      const of = (table) => rows[table % count].filter((id) => id.startsWith(`${n}/`)).length
      if (own[n] < least || own[n] > most) wrong.push(`${counted}, was promised ${least} and asked for ${most}`)
      if (of(n + 1) !== Math.floor(own[n] / 10)) wrong.push(`${counted}, has written ${of(n + 1)} times together with that`)
      const singles = Math.floor((own[n] + 5) / 10)
      const died = this.tabs[n].gone && own[n] % 10 === 4 // perhaps between the two
      if (of(n + 2) !== singles && !(died && of(n + 2) === singles + 1)) wrong.push(`${counted}, has written ${of(n + 2)} times beside that`)
    })
    if (filled !== (this.filled ? bulk : 0)) wrong.push(`there are ${filled} documents`)
    return wrong
  }
}

const results = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, { campaign: `tabs-${kind}`, count: 0, failures: 0, seed, seconds: 0, rounds: 0 }]))

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'stowage-tabs-'))
  const server = await serve('tabs-page.mjs', reply)
  const tabs = await Tabs.start(folder, server.origin)
  const began = Date.now()
  try {
    for (let n = 1; n <= least || Date.now() - began < lasts; n++) {
      for (const kind of only ?? Object.keys(kinds)) await play(kind, n, tabs)
    }
  } finally {
    await tabs.end()
    server.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
  report()
}

/** One round of a kind. */
async function play(kind, n, tabs) {
  const result = results[kind]
  const began = Date.now()
  const round = new Round(`${kind} ${n}`, await tabs.some(count))
  try {
    await watched(round, (async () => {
      await kinds[kind](round)
      round.stir()
      await round.judge()
    })())
  } catch (error) {
    round.wrong.push(`${error.message}; tabs were promised ${round.promised.map(({ least }) => least).join(', ')}`)
    for (const tab of round.tabs) if (!tab.gone) tab.kill() // whatever it is at
  }
  for (const what of round.wrong) console.error(`tabs: ${round.name}, seed ${seed}: ${what}`)
  result.rounds++
  result.count += round.promised.reduce((sum, { least }) => sum + least, 0)
  result.failures += round.wrong.length
  result.seconds += (Date.now() - began) / 1000
  if (round.took !== undefined) result.takeover = Math.max(result.takeover ?? 0, round.took)
}

/** The work of a round, given up where nothing happens for too long. A machine that is busy with something else may be slow. */
async function watched(round, work) {
  let watchdog
  const still = new Promise((_, reject) => {
    watchdog = setInterval(() => {
      if (performance.now() - round.stirred > patience) reject(new Error(`nothing more happened for ${patience / 1000} s`))
    }, 1000)
  })
  try {
    return await Promise.race([work, still])
  } finally {
    clearInterval(watchdog)
  }
}

function report() {
  for (const { rounds, ...result } of Object.values(results)) {
    if (rounds === 0) continue
    const took = result.takeover === undefined ? '' : `, taken over after ${result.takeover.toFixed(1)} s at most`
    console.log(`${result.campaign}: ${rounds} rounds, ${result.count} increments in ${result.seconds.toFixed(1)} s${took}; ${result.failures} failures, seed ${seed}`)
    console.log(JSON.stringify(result))
    if (result.failures > 0) process.exitCode = 1
  }
}

main().catch((error) => {
  console.error(`tabs: ${error.stack}`)
  console.log(JSON.stringify({ campaign: 'tabs', count: 0, failures: 1, seed, seconds: 0 }))
  process.exitCode = 1
})
