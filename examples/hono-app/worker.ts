// worker.ts
import { StorageRuntime, type Store } from 'botshelf'
import { durableObject } from 'botshelf/durable-object'
import { unstorageDriver } from 'botshelf/unstorage'
import { Hono } from 'hono'
import { createStorage, type Storage } from 'unstorage'
export { StorageObject } from 'botshelf/storage-object' // the class that wrangler.toml binds

interface Note {
  text: string
}

interface Env {
  Bindings: {
    STORAGE: string
    STORAGE_CONFIG: { binding: string }
    BOT_STORAGE: DurableObjectNamespace
  }
  Variables: { notes: Storage<Note>; visits: Store<Record<string, number>> }
}

const app = new Hono<Env>()

app.use(async (c, next) => {
  const runtime = await StorageRuntime.start(c.env, [durableObject])
  const notes = createStorage<Note>({ driver: unstorageDriver(await runtime.open('notes')) })
  c.set('notes', notes)
  // unstorage has no atomic steps, so what is counted is in a store.
  c.set('visits', await runtime.open('visits'))
  await next()
  c.executionCtx.waitUntil(runtime.close())
})

app.get('/notes', async (c) => c.json(await c.var.notes.getKeys()))

app.get('/notes/:name', async (c) => {
  const name = c.req.param('name')
  const note = await c.var.notes.getItem(name)
  if (note === null) return c.notFound()
  return c.json({ note: note.text, visits: await c.var.visits.increment(name) })
})

app.put('/notes/:name', async (c) => {
  const ttl = Number(c.req.query('ttl') ?? 0) // seconds; 0 is forever
  // In an object, since unstorage reads a stored text as JSON: "42" as a number, "null" as no note.
  await c.var.notes.setItem(c.req.param('name'), { text: await c.req.text() }, { ttl })
  return c.body(null, 204)
})

app.delete('/notes/:name', async (c) => {
  await c.var.notes.removeItem(c.req.param('name'))
  return c.body(null, 204)
})

export default app
