import { type TestContext, test } from 'node:test'

import { memory } from 'stowage'
import type { Clock } from 'stowage/repositories'

import { Campaign } from './campaign.js'
import { drivers } from './drivers.js'
import { Random } from './random.js'
import { stride } from './stride.js'
import { openTier } from './tiers.js'

const clock: Clock = {
  now: () => Date.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds)
    return () => clearTimeout(timer)
  },
}

const env: Record<string, string | undefined> = globalThis.process?.env ?? {} // a page has none

/** A minute as it passes in torture. Otherwise seconds are a fifth as long, and nobody is timed, for the machine may have other things to do. */
const [second, seconds, most] = env['TORTURE'] === undefined ? [200, 20 / Math.min(stride, 4), Infinity] : [1000, 60, 2 * 9]

test('the same over engines, as time passes', async (t?: TestContext) => {
  const seed = Number(env['SEED'] ?? Date.now() % 2 ** 32)
  const [[, driver]] = drivers as [(typeof drivers)[number]]
  const [fast, fallback] = [await openTier(memory(), clock), await openTier(driver(), clock)]
  const pass = (milliseconds: number) => new Promise<void>(resolve => void setTimeout(resolve, milliseconds))
  const campaign = new Campaign(new Random(seed), { tiers: [fast.tier, fallback.tier], clock, second, seconds, pass, through: work => work })
  const said = await campaign.run(most).catch((error: unknown) => {
    throw new Error(`seed ${seed}`, { cause: error })
  })
  t?.diagnostic(`SEED=${seed}: ${said}`)
  await Promise.all([fast.end(), fallback.end()])
})
