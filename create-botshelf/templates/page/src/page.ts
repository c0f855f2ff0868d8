import { StorageRuntime } from 'botshelf'
import { indexeddb } from 'botshelf/indexeddb'
import { live } from 'botshelf/live'
import { type Karma, reply } from './karma.ts'

const form = document.querySelector('form')!
const input = document.querySelector('input')!
const status = document.querySelector('[role=status]')!
const list = document.querySelector('ul')!

const config = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { database: '{{name}}' } }
const runtime = await StorageRuntime.start(config, [indexeddb])
const karma = await runtime.open<Karma>('Karma')

// Shows the karma, also as other tabs change it.
live(karma).subscribe(({ entries, error }) => {
  if (error !== undefined) status.textContent = error.message
  const items = entries.map(([name, count]) => {
    const item = document.createElement('li')
    item.textContent = `${name}: ${count}`
    return item
  })
  list.replaceChildren(...items)
})

form.addEventListener('submit', (event) => {
  event.preventDefault()
  const text = input.value
  form.reset()
  reply(karma, text).then(
    (answer) => (status.textContent = answer),
    (error: Error) => (status.textContent = error.message),
  )
})
