/**
 * What the driver takes for granted of IndexedDB. Each rule runs against whatever
 * `indexedDB` means where it is called and tells what it saw, in words: the model
 * and a real browser must both say what stands beside it.
 */
export interface Rule {
  name: string
  sees: string[]
  run(): Promise<string[]>
}

/** A database of its own, with the one store, and what happened to it so far. */
async function database(seen: string[]): Promise<IDBDatabase> {
  const name = `rules ${Math.random()}`
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => void request.result.createObjectStore('blobs')
  const db = await ended(request)
  db.onversionchange = () => seen.push('versionchange')
  db.onclose = () => seen.push('close')
  return db
}

function ended<R>(request: IDBRequest<R>): Promise<R> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** Resolves when a transaction has ended; says how. */
function outcome(transaction: IDBTransaction, seen: string[]): Promise<void> {
  return new Promise(resolve => {
    transaction.onerror = event => seen.push(`error ${(event.target as IDBRequest).error?.name}`)
    transaction.oncomplete = () => resolve(void seen.push('complete'))
    transaction.onabort = () => resolve(void seen.push(`abort ${transaction.error?.name}`))
  })
}

function named(work: () => unknown): string {
  try {
    work()
    return 'done'
  } catch (error) {
    return (error as DOMException).name
  }
}

async function held(db: IDBDatabase): Promise<string> {
  return (await ended(db.transaction('blobs').objectStore('blobs').getAllKeys())).join(' ')
}

const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds))

export const rules: Rule[] = [
  {
    name: 'a transaction without requests commits itself',
    sees: ['complete', 'InvalidStateError'],
    async run() {
      const seen: string[] = []
      const transaction = (await database(seen)).transaction('blobs', 'readwrite')
      await outcome(transaction, seen)
      return [...seen, named(() => transaction.objectStore('blobs'))]
    },
  },
  {
    name: 'requests are answered in order, before the transaction completes',
    sees: ['put', 'one', 'nothing', 'complete', 'a b'],
    async run() {
      const seen: string[] = []
      const db = await database(seen)
      const transaction = db.transaction('blobs', 'readwrite')
      const store = transaction.objectStore('blobs')
      store.put('one', 'a').onsuccess = () => seen.push('put')
      store.get('a').onsuccess = event => seen.push((event.target as IDBRequest).result)
      store.get('none').onsuccess = event => seen.push((event.target as IDBRequest).result ?? 'nothing')
      store.put('two', 'b')
      await outcome(transaction, seen)
      return [...seen, await held(db)]
    },
  },
  {
    name: 'a request can be made in a callback and in what its promises do, not in a later task',
    sees: ['done', 'complete', 'TransactionInactiveError'],
    async run() {
      const seen: string[] = []
      const transaction = (await database(seen)).transaction('blobs', 'readwrite')
      const store = transaction.objectStore('blobs')
      const end = outcome(transaction, seen)
      await ended(store.get('a'))
      await Promise.resolve()
      seen.push(named(() => store.put(1, 'a')))
      await end
      seen.push(named(() => store.put(1, 'b')))
      return seen
    },
  },
  {
    name: 'adding a name that is taken aborts all of the transaction, also after commit()',
    sees: ['error ConstraintError', 'abort ConstraintError', 'a'],
    async run() {
      const seen: string[] = []
      const db = await database(seen)
      const first = db.transaction('blobs', 'readwrite')
      first.objectStore('blobs').put(1, 'a')
      await outcome(first, [])
      const transaction = db.transaction('blobs', 'readwrite')
      const store = transaction.objectStore('blobs')
      store.put(1, 'b')
      store.add(2, 'a')
      transaction.commit()
      await outcome(transaction, seen)
      return [...seen, await held(db)]
    },
  },
  {
    name: 'an error that is prevented does not abort',
    sees: ['complete', 'a b'],
    async run() {
      const seen: string[] = []
      const db = await database(seen)
      const transaction = db.transaction('blobs', 'readwrite')
      const store = transaction.objectStore('blobs')
      store.put(1, 'a')
      store.add(2, 'a').onerror = event => {
        event.preventDefault()
        event.stopPropagation()
        store.put(3, 'b')
      }
      await outcome(transaction, seen)
      return [...seen, await held(db)]
    },
  },
  {
    name: 'abort() undoes everything, tells the requests that wait, and leaves no error',
    sees: ['error AbortError', 'abort undefined', ''],
    async run() {
      const seen: string[] = []
      const db = await database(seen)
      const transaction = db.transaction('blobs', 'readwrite')
      transaction.objectStore('blobs').put(1, 'a')
      transaction.abort()
      await outcome(transaction, seen)
      return [...seen, await held(db)]
    },
  },
  {
    name: 'after commit() nothing can be asked for or aborted any more',
    sees: ['TransactionInactiveError', 'InvalidStateError', 'InvalidStateError', 'complete'],
    async run() {
      const seen: string[] = []
      const transaction = (await database(seen)).transaction('blobs', 'readwrite')
      const store = transaction.objectStore('blobs')
      store.put(1, 'a')
      transaction.commit()
      seen.push(named(() => store.put(1, 'b')), named(() => transaction.abort()), named(() => transaction.commit()))
      await outcome(transaction, seen)
      return seen
    },
  },
  {
    name: 'a transaction can be aborted as long as a callback can still look at its answer',
    sees: ['error AbortError', 'abort undefined', 'a'],
    async run() {
      const seen: string[] = []
      const db = await database(seen)
      const first = db.transaction('blobs', 'readwrite')
      first.objectStore('blobs').put(1, 'a')
      await outcome(first, [])
      const transaction = db.transaction('blobs', 'readwrite')
      const store = transaction.objectStore('blobs')
      store.get('a').onsuccess = () => transaction.abort()
      store.put(2, 'b')
      await outcome(transaction, seen)
      return [...seen, await held(db)]
    },
  },
  {
    name: 'writers of all connections go one after the other, and readers do not pass them',
    sees: ['first', 'second', 'reader sees a b'],
    async run() {
      const seen: string[] = []
      const db = await database(seen)
      const other = await ended(indexedDB.open(db.name, 1))
      const write = (db: IDBDatabase, name: string, what: string) => {
        const transaction = db.transaction('blobs', 'readwrite')
        transaction.objectStore('blobs').put(1, name).onsuccess = () => transaction.objectStore('blobs').get(name)
        return new Promise<void>(resolve => (transaction.oncomplete = () => resolve(void seen.push(what))))
      }
      const first = write(db, 'a', 'first')
      const second = write(other, 'b', 'second')
      const reader = held(other).then(names => seen.push(`reader sees ${names}`))
      await Promise.all([first, second, reader])
      return seen
    },
  },
  {
    name: 'a reading transaction cannot write',
    sees: ['ReadOnlyError'],
    async run() {
      const db = await database([])
      return [named(() => db.transaction('blobs', 'readonly').objectStore('blobs').put(1, 'a'))]
    },
  },
  {
    name: 'bytes are copied when they are put, and when they are got',
    sees: ['1 2', '1 2', 'true'],
    async run() {
      const db = await database([])
      const bytes = Uint8Array.of(1, 2)
      const transaction = db.transaction('blobs', 'readwrite')
      transaction.objectStore('blobs').put(bytes, 'a')
      bytes[0] = 9
      await outcome(transaction, [])
      const get = () => ended(db.transaction('blobs').objectStore('blobs').get('a') as IDBRequest<Uint8Array>)
      const got = await get()
      const text = got.join(' ')
      got[0] = 9
      return [text, (await get()).join(' '), String(got instanceof Uint8Array)]
    },
  },
  {
    name: 'ranges have both their ends, in the order of code units',
    sees: ['l/1 l/2 l/3', '4', 'l/1 l/3 p/a r'],
    async run() {
      const db = await database([])
      const transaction = db.transaction('blobs', 'readwrite')
      for (const name of ['r', 'l/3', 'l/1', 'p/a', 'l/2']) transaction.objectStore('blobs').put(1, name)
      await outcome(transaction, [])
      const names = await ended(db.transaction('blobs').objectStore('blobs').getAllKeys(IDBKeyRange.bound('l/', 'l/\uffff')))
      const removal = db.transaction('blobs', 'readwrite')
      removal.objectStore('blobs').delete(IDBKeyRange.bound('l/2', 'l/2'))
      removal.objectStore('blobs').delete('never')
      await outcome(removal, [])
      return [names.join(' '), String(await ended(db.transaction('blobs').objectStore('blobs').count())), await held(db)]
    },
  },
  {
    name: 'a connection that is closed finishes what it has begun and begins nothing',
    sees: ['InvalidStateError', 'complete'],
    async run() {
      const seen: string[] = []
      const db = await database(seen)
      const transaction = db.transaction('blobs', 'readwrite')
      transaction.objectStore('blobs').put(1, 'a')
      db.close()
      seen.push(named(() => db.transaction('blobs')))
      await outcome(transaction, seen)
      return seen
    },
  },
  {
    name: 'an upgrade that is aborted leaves no database',
    sees: ['upgrade', 'error AbortError', 'upgrade'],
    async run() {
      const seen: string[] = []
      const name = `rules ${Math.random()}`
      for (const abort of [true, false]) {
        const request = indexedDB.open(name, 1)
        request.onupgradeneeded = () => {
          seen.push('upgrade')
          if (abort) request.transaction!.abort()
        }
        await ended(request).then(db => db.close(), error => seen.push(`error ${error.name}`))
      }
      return seen
    },
  },
  {
    name: 'an older version is refused',
    sees: ['error VersionError'],
    async run() {
      const name = `rules ${Math.random()}`
      const db = await ended(indexedDB.open(name, 2))
      db.close()
      return [await ended(indexedDB.open(name, 1)).then(() => 'opened', error => `error ${error.name}`)]
    },
  },
  {
    name: 'whoever deletes a database tells those who have it open, and waits for them',
    sees: ['versionchange', 'blocked', 'deleted'],
    async run() {
      const seen: string[] = []
      const db = await database(seen)
      const request = indexedDB.deleteDatabase(db.name)
      request.onblocked = () => {
        seen.push('blocked')
        db.close()
      }
      await ended(request)
      return [...seen, 'deleted']
    },
  },
  {
    name: 'a connection that closes when it is told to blocks nobody',
    sees: ['versionchange', 'deleted'],
    async run() {
      const seen: string[] = []
      const db = await database(seen)
      db.onversionchange = () => {
        seen.push('versionchange')
        db.close()
      }
      const request = indexedDB.deleteDatabase(db.name)
      request.onblocked = () => seen.push('blocked')
      await ended(request)
      await pause(5)
      return [...seen, 'deleted']
    },
  },
]
