import { test } from 'node:test'

import { Campaign } from './campaign.js'
import { seeded } from './random.js'
import { quiet, Shelf } from './shelf.js'
import { stride } from './stride.js'
import { StillClock } from './tiers.js'

/** 200 requests a second for a minute (with SHORT, a third of one) meet tiers that fail, hang and flap. The minute passes at once. */
test('services over tiers that fail, hang and flap give no wrong answer, and keep nobody waiting', async t => {
  const clock = new StillClock()
  const pass = async (milliseconds: number) => {
    await quiet()
    clock.pass(milliseconds)
    await quiet()
  }
  const campaign = new Campaign(seeded(t), { tiers: [new Shelf(clock), new Shelf(clock)], clock, second: 1000, seconds: 60 / Math.min(stride, 3), pass, through: work => clock.through(work) })
  t.diagnostic(await campaign.run())
})
