import { Options } from '../options.js'
import { overlay, type Steps } from './overlay.js'

/** How a time is written into a document: a Date, ISO 8601 text, milliseconds since 1970, or as a function makes it. */
export type TimeFormat = 'date' | 'iso' | 'number' | ((time: Date) => unknown)

/** How `timestamps` works. */
export interface TimestampOptions {
  /** The member with the time when a document was first stored, 'created' unless given; false for none. */
  created?: string | false
  /** That of its last change, 'modified'. */
  modified?: string | false
  /** That of its reading, none unless given: it is in what is handed out, not in what is stored. */
  accessed?: string | false
  /** 'date' unless given. */
  format?: TimeFormat
  /** Tells the time, in milliseconds since 1970. */
  clock?: () => number
}

const formats: Record<Exclude<TimeFormat, Function>, (time: Date) => unknown> = {
  date: time => time,
  iso: time => time.toISOString(),
  number: time => time.getTime(),
}

/** A policy that writes times into documents. A document that is replaced keeps the time when it was created. */
export function timestamps(options?: TimestampOptions): Steps<Record<string, unknown>> {
  const o = new Options('timestamps', options)
  const [created, modified, accessed] = [member(o, 'created', 'created'), member(o, 'modified', 'modified'), member(o, 'accessed', undefined)]
  const given = o.any('format') ?? 'date'
  const clock = o.function<() => number>('clock') ?? Date.now
  o.done()
  const format = typeof given === 'function' ? (given as (time: Date) => unknown) : formats[given as 'date']
  if (format === undefined) throw o.wrong('format', `a function, or one of ${Object.keys(formats).join(', ')}`)
  const stamp = (document: Record<string, unknown>, name: string | undefined) => {
    if (name !== undefined) document[name] = format(new Date(clock()))
  }
  return {
    over: overlay,
    created(document) {
      stamp(document, created)
      stamp(document, modified)
    },
    updated(document, before) {
      if (created !== undefined && before[created] !== undefined) document[created] = before[created]
      stamp(document, modified)
    },
    ...(accessed !== undefined && { read: document => stamp(document, accessed) }),
  }
}

/** An option that is the name of a member, or false for none. */
export function member(o: Options, option: string, otherwise: string | undefined): string | undefined {
  const name = o.any(option) ?? otherwise
  if (name === false || name === undefined) return undefined
  if (typeof name !== 'string' || name === '') throw o.wrong(option, 'the name of a member, or false')
  return name
}
