// page.ts
import { StorageRuntime } from 'botshelf'
import { indexeddb } from 'botshelf/indexeddb'
import { webStorage } from 'botshelf/web-storage'
import { persist, type StorageValue } from 'zustand/middleware'
import { createStore } from 'zustand/vanilla'

interface Notes {
  notes: Record<string, string>
}

const config = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { database: 'my-notes' } }
const runtime = await StorageRuntime.start(config, [indexeddb])
const saved = await runtime.open<Record<string, StorageValue<Notes>>>('zustand')

const store = createStore<Notes>()(
  persist(() => ({ notes: {} }), {
    name: 'notes',
    // `merge` stores only the notes that changed here, so that those of other tabs stay.
    storage: webStorage(saved, { merge: true }),
  }),
)

const form = document.querySelector('form')!
const input = document.querySelector('input')!
form.addEventListener('submit', (event) => {
  event.preventDefault()
  const note = { [crypto.randomUUID()]: input.value }
  store.setState(({ notes }) => ({ notes: { ...notes, ...note } }))
  form.reset()
})
// Before the store is open, the browser itself would send the form and load the page again.
form.hidden = false

function show({ notes }: Notes): void {
  const items = Object.values(notes).map((text) => {
    const item = document.createElement('li')
    item.textContent = text
    return item
  })
  document.querySelector('ul')!.replaceChildren(...items)
}
store.subscribe(show)
show(store.getState())

// What another tab adds is shown here at once.
for await (const _ of saved.watch()) await store.persist.rehydrate()
