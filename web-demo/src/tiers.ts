// Two tiers and their breakers: a memory in front of the atlas, switches that have either
// of them fail, and a button that reads a city through both.

import { memory, open, StowageError } from 'stowage'
import { hash, over, rows, service, type ServiceEvent, type Tier, type TierName } from 'stowage/repositories'
import { structures } from 'stowage/structures'
import type { Atlas, City } from './atlas'
import { byId } from './element'
import { showTrouble } from './notice'
import { duration } from './wording'

/** Cities are read out of so many, so that some come again. */
const several = 5

/** A tier is left alone after so many failures in a row, for so many milliseconds. */
const breaker = { failures: 3, recovery: 2000 }

/** How long the memory keeps a city, in milliseconds. */
const expire = 60_000

/** Has the button read cities, once it is pressed for the first time. */
export function showTiers(db: Atlas): void {
  const button = byId<HTMLButtonElement>('read')
  let reader: Promise<() => Promise<void>> | undefined
  button.addEventListener('click', () => {
    button.disabled = true
    reader ??= makeReader(db)
    reader.then((read) => read()).catch((error: unknown) => {
      reader = undefined
      showTrouble(error)
    }).finally(() => { button.disabled = false })
  })
}

/** Makes what reads one city after another, and says where it came from. */
async function makeReader(db: Atlas): Promise<() => Promise<void>> {
  const cache = await open('cache', { driver: memory() })
  let cities: City[] = []
  const served = service(
    hash<City>({
      name: 'city', expire,
      fast: switched(over(structures(cache, 'cities')), 'fast'),
      fallback: switched(rows({ city: ([id]) => db.cities.get(Number(id)) }), 'fallback'),
      attributes: {
        id: 'number', name: 'text', fold: 'text', country: 'text', feature: 'text', admin: 'text',
        population: 'number', lat: 'number', lon: 'number',
      },
    }),
    { breaker: { fast: breaker, fallback: breaker }, onEvent: showState },
  )
  let next = 0
  return async () => {
    if (cities.length === 0) cities = await db.cities.find({}).limit(several)
    if (cities.length === 0) return say('There are no cities yet.')
    const { id } = cities[next++ % cities.length]!
    const before = served.metrics()
    const start = performance.now()
    try {
      const { name } = await served.getOne(id)
      const from = served.metrics().fastHits > before.fastHits ? 'the memory' : 'the atlas'
      say(`${name}, out of ${from} in ${duration(performance.now() - start)}.`)
    } catch (error) {
      if (!(error instanceof StowageError)) throw error
      say(`No answer: ${error.code}.`)
    }
  }
}

const say = (text: string) => { byId('read-said').textContent = text }

/** A tier that fails while its box is not checked. */
function switched(tier: Tier, name: TierName): Tier {
  const box = byId<HTMLInputElement>(`answers-${name}`)
  const call = async <R>(run: () => Promise<R>): Promise<R> => {
    if (!box.checked) throw new StowageError('backend_failed', `the ${name} tier is switched off`)
    return run()
  }
  return {
    read: (reads, signal) => call(() => tier.read(reads, signal)),
    write: (writes, signal) => call(() => tier.write(writes, signal)),
    close: () => tier.close(),
  }
}

function showState(event: ServiceEvent): void {
  if (event.kind === 'state') byId(`breaker-${event.tier}`).textContent = event.state
}
