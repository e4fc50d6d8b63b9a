/*
 * A worker that serves requests: each promise and timer belongs to the request
 * it was made in, and is never fulfilled once that has ended.
 */
import { waitUntil } from 'cloudflare:workers'

import type { Waits } from './waits.js'

/** The longest pause between two looks, in milliseconds. */
const longestPause = 16

/** Calls look for themselves whether they can go on, and go on when their client has gone. */
export const requests: Waits = {
  shared: false,
  async until(over) {
    for (let pause = 0; !over(); pause = Math.min(pause + 1, longestPause)) await new Promise(resolve => setTimeout(resolve, pause))
  },
  keep(work) {
    waitUntil(work.catch(() => {})) // whoever called has been told
  },
}
