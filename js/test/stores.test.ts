import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

import { type Live, live, type LiveState } from 'stowage/live'
import { compile } from 'svelte/compiler'
import { render } from 'svelte/server'
import { derived, get } from 'svelte/store'
import { createSSRApp, effectScope, h, nextTick, onScopeDispose, shallowRef, type ShallowRef, watch } from 'vue'
import { renderToString } from 'vue/server-renderer'

import { openPlaces, type Place, placesFrom } from './places.js'

type States = Live<Place>['states']

/** Waits for a state. */
function until(states: States, met: (state: LiveState<Place>) => boolean): Promise<LiveState<Place>> {
  return new Promise(resolve => {
    let stop = () => {}
    stop = states.subscribe(state => {
      if (met(state)) queueMicrotask(() => (stop(), resolve(state)))
    })
  })
}

const known = (state: LiveState<Place>) => !state.pending

test("a store of Svelte's reads what is known, and what is made of it follows", async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 3))
  const { states } = live(db.places.find())
  assert.deepEqual(get(states), { documents: [], total: undefined, pending: true, error: undefined })
  const count = derived(states, ({ documents }) => documents.length)
  const counts: number[] = []
  const stop = count.subscribe(n => counts.push(n))
  await until(states, known)
  assert.equal(get(states).documents.length, 3)
  await db.places.delete(1)
  await until(states, ({ documents }) => documents.length === 2)
  stop()
  assert.deepEqual(counts, [0, 3, 2])
  await db.close()
})

test('a component of Svelte subscribes to it by its $', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 2))
  const { states } = live(db.places.find())
  const source = '<script>let { states } = $props()</script>{#if $states.pending}…{/if}{#each $states.documents as place (place.id)}<p>{place.id}</p>{/each}'
  const folder = mkdtempSync(join('build', 'svelte-'))
  const file = join(folder, 'places.mjs')
  writeFileSync(file, compile(source, { generate: 'server' }).js.code)
  const component = (await import(pathToFileURL(file).href)).default
  const shown = () => render(component, { props: { states } }).body.replaceAll(/<!--.*?-->/g, '')
  assert.equal(shown(), '…')
  const stop = states.subscribe(() => {})
  await until(states, known)
  assert.equal(shown(), '<p>1</p><p>2</p>')
  stop()
  rmSync(folder, { recursive: true })
  await db.close()
})

/** The composable of the README. */
function useLive({ states }: { states: States }): ShallowRef<LiveState<Place>> {
  const state = shallowRef() as ShallowRef<LiveState<Place>>
  onScopeDispose(states.subscribe(known => (state.value = known)))
  return state
}

test('a ref of Vue follows it until its scope ends', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 3))
  const places = live(db.places.find())
  const scope = effectScope()
  const seen: number[] = []
  const state = scope.run(() => {
    const state = useLive(places)
    watch(state, ({ documents }) => seen.push(documents.length))
    return state
  })!
  assert.equal(state.value.pending, true)
  await until(places.states, known)
  await nextTick()
  await db.places.insert(placesFrom(4, 1)[0]!)
  await until(places.states, ({ documents }) => documents.length === 4)
  await nextTick()
  assert.deepEqual(seen, [3, 4])
  const { documents } = state.value
  scope.stop()
  await db.places.delete(1)
  const again = live(db.places.find())
  await until(again.states, ({ documents }) => documents.length === 3)
  assert.equal(state.value.documents, documents)
  await db.close()
})

test('a component of Vue that is rendered on a server shows that nothing is known', async () => {
  const db = await openPlaces()
  const App = {
    setup() {
      const state = useLive(live(db.places.find()))
      return () => h('p', `${state.value.documents.length} ${state.value.pending}`)
    },
  }
  assert.equal(await renderToString(createSSRApp(App)), '<p>0 true</p>')
  await db.close()
})

test('what a live query fails with is a state', async () => {
  const db = await openPlaces()
  const { states } = live(db.places.find().after(1, 2, 3))
  const { error } = await until(states, ({ error }) => error !== undefined)
  assert.equal(error!.code, 'invalid_query')
  await db.close()
})
