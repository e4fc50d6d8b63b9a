// What can go wrong, said to a person: by the stable code of the error, never by its text.

import { StowageError } from 'stowage'

export interface Trouble {
  title: string
  text: string
  action: string // what the button says
}

const known: Record<string, Trouble> = {
  locked: {
    title: 'Another tab wants the atlas for itself',
    text: 'It may be running an older version. Close it, then go on here: everything in the store is kept.',
    action: 'Go on here',
  },
  key_required: {
    title: 'The atlas has a passphrase now',
    text: 'It was encrypted, or locked, in another tab.',
    action: 'Unlock it',
  },
  quota: {
    title: 'The browser has no more space',
    text: 'The atlas needs about 30 MB. Free some space on this device, then try again. What was there before is untouched.',
    action: 'Try again',
  },
  corrupt: {
    title: 'Stored data is damaged',
    text: 'A page of the store does not match its checksum, so it is not shown. Nothing was changed. All of it came from the origin: clear this site’s data in the browser’s settings and pull it again.',
    action: 'Try again',
  },
  newer_format: {
    title: 'Written by a later version',
    text: 'This store was written by a later version of Stowage than the one this page runs. Reload the page to get the newest; nothing was changed.',
    action: 'Load the newest',
  },
  engine_lost: {
    title: 'The engine stopped',
    text: 'Its instance died, out of memory perhaps. Everything that was committed is kept; opening the atlas again goes on from there.',
    action: 'Open again',
  },
}

/** Why something is tried again, in a line. */
export function whyAgain(error: StowageError | undefined): string {
  if (error === undefined || error.code === 'origin_failed') return 'No answer from the origin. It is tried again, a little later each time.'
  return `${explain(error).title}. It is tried again, a little later each time.`
}

/** Explains an error, with its code, so that it can be looked up or reported. */
export function explain(error: unknown): Trouble & { code: string } {
  const code = error instanceof StowageError ? error.code : 'unexpected'
  const trouble = known[code] ?? {
    title: 'Something went wrong',
    text: error instanceof Error ? error.message : String(error),
    action: 'Try again',
  }
  return { ...trouble, code }
}
