// The script of the page that `scripts/marks.ts` opens, and of the workers of that page. The page
// writes or reads a mark by each mechanism, in each context that has it, and posts the results.

/** A mechanism in a context, for example `Cache API, service worker`. */
export interface Result {
  readonly name: string
  /** What was read, or the error. */
  readonly value: string
  readonly ms: number
}

interface Request {
  readonly mechanism: string
  /** The name of the mark. */
  readonly name: string
  /** What to write. If it is undefined, the mark is read. */
  readonly value: string | undefined
}

interface Mechanism {
  readonly contexts: readonly string[]
  readonly write: (name: string, value: string) => unknown
  readonly read: (name: string) => unknown
}

/** Only workers have it, so TypeScript's types of a page do not. */
interface WorkerFileHandle {
  createSyncAccessHandle(): Promise<{
    write(data: Uint8Array, options: { readonly at: number }): number
    flush(): void
    close(): void
  }>
}

const CONTEXTS = ['page', 'worker', 'shared worker', 'service worker']

const openFile = async (name: string): Promise<FileSystemFileHandle> =>
  (await navigator.storage.getDirectory()).getFileHandle(name, { create: true })

const readFile = async (name: string): Promise<string> =>
  (await (await openFile(name)).getFile()).text()

const MECHANISMS: Readonly<Record<string, Mechanism>> = {
  localStorage: {
    contexts: ['page'],
    write: (name, value) => localStorage.setItem(name, value),
    read: (name) => localStorage.getItem(name),
  },
  cookie: {
    contexts: ['page'],
    write: (_, value) => (document.cookie = `mark=${value}; max-age=31536000; samesite=strict`),
    read: () => /mark=(\w+)/.exec(document.cookie)?.[1],
  },
  'OPFS with createWritable()': {
    contexts: CONTEXTS,
    write: async (name, value) => {
      const stream = await (await openFile(name)).createWritable()
      await stream.write(value)
      await stream.close()
    },
    read: readFile,
  },
  'OPFS with flush()': {
    contexts: ['worker'],
    write: async (name, value) => {
      const file = (await openFile(name)) as unknown as WorkerFileHandle
      const handle = await file.createSyncAccessHandle()
      handle.write(new TextEncoder().encode(value), { at: 0 })
      handle.flush()
      handle.close()
    },
    read: readFile,
  },
  'Cache API': {
    contexts: CONTEXTS,
    write: async (name, value) =>
      (await caches.open('marks')).put(`/${encodeURIComponent(name)}`, new Response(value)),
    read: async (name) =>
      (await (await caches.open('marks')).match(`/${encodeURIComponent(name)}`))?.text(),
  },
}

async function run({ mechanism, name, value }: Request): Promise<Result> {
  const { write, read } = MECHANISMS[mechanism] as Mechanism
  const start = performance.now()
  const access = async (): Promise<unknown> =>
    value === undefined ? read(name) : write(name, value)
  const result = await access().catch((error: unknown) => error)
  return { name, value: String(result), ms: performance.now() - start }
}

/** Something that a request can be posted to: a worker, or the port of one. */
type Receiver = Pick<MessagePort, 'postMessage'>

const START: Readonly<Record<string, () => Receiver | Promise<Receiver>>> = {
  worker: () => new Worker('/page.js'),
  'shared worker': () => new SharedWorker('/page.js').port,
  'service worker': async () => {
    await navigator.serviceWorker.register('/page.js')
    const { active } = await navigator.serviceWorker.ready
    if (active === null) throw new Error('The service worker is not active.')
    return active
  },
}

async function send(receiver: Receiver, request: Request): Promise<Result> {
  const { port1, port2 } = new MessageChannel()
  return new Promise((resolve) => {
    port1.addEventListener('message', ({ data }) => resolve(data as Result))
    port1.start()
    receiver.postMessage(request, [port2])
  })
}

async function runInPage(): Promise<void> {
  const value = new URLSearchParams(location.search).get('value') ?? undefined
  const receivers = new Map<string, Receiver>()
  for (const [context, start] of Object.entries(START)) receivers.set(context, await start())
  const results: Result[] = []
  for (const [mechanism, { contexts }] of Object.entries(MECHANISMS)) {
    for (const context of contexts) {
      const request = { mechanism, name: `${mechanism}, ${context}`, value }
      const receiver = receivers.get(context)
      results.push(await (receiver === undefined ? run(request) : send(receiver, request)))
    }
  }
  await fetch('/results', { method: 'POST', body: JSON.stringify(results) })
}

function answer({ data, ports }: MessageEvent): void {
  void run(data as Request).then((result) => ports[0]?.postMessage(result))
}

if ('document' in globalThis) {
  void runInPage()
} else {
  addEventListener('message', answer)
  addEventListener('connect', (event) => {
    const [port] = (event as MessageEvent).ports
    port?.addEventListener('message', answer)
    port?.start()
  })
}
