import { chromium } from 'playwright'
import { preview } from 'vite'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { chromiumLaunch } from '../../scripts/chromium.ts'
import { Consumer, WITHIN } from './support/consumer.ts'
import { run } from './support/run.ts'

let consumer: Consumer
let folder: string

beforeAll(async () => {
  consumer = await Consumer.start()
  folder = await consumer.install('page')
})

afterAll(() => consumer.stop())

/** Waits until a page has said this and nothing else, and listens anew. */
async function expectSaid(said: string[], ...expected: string[]): Promise<void> {
  await vi.waitFor(() => expect(said).toEqual(expected), { timeout: 20_000 })
  said.length = 0
}

test('the page compiles against the installed types', async () => {
  await consumer.compile(folder)
})

test(
  'the page that Vite builds keeps what it stored, and watches what another tab does',
  { timeout: WITHIN },
  async () => {
    await run(folder, 'npm', 'run', 'build')
    const server = await preview({ root: folder, preview: { host: '127.0.0.1', port: 0 } })
    const browser = await chromium.launch(chromiumLaunch())
    try {
      const url = server.resolvedUrls?.local[0] ?? expect.fail('The server has no address.')
      const context = await browser.newContext()
      const complaints: string[] = []
      context.on('weberror', (error) => complaints.push(String(error.error())))
      const open = async (): Promise<{ said: string[]; reload: () => Promise<unknown> }> => {
        const said: string[] = []
        const page = await context.newPage()
        page.on('console', (message) => {
          if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
          else said.push(message.text())
        })
        await page.goto(url)
        return { said, reload: () => page.reload() }
      }
      const configs = 'configs {Karma: Object, Seen: Object}'
      const first = await open()
      await expectSaid(first.said, 'bl_plugins [Todo]', configs)
      await first.reload()
      await expectSaid(first.said, 'bl_plugins [Todo, Todo]', configs)
      const second = await open()
      await expectSaid(second.said, 'bl_plugins [Todo, Todo, Todo]', configs)
      const told = expect.arrayContaining(['set bl_plugins', 'set configs'])
      await vi.waitFor(() => expect(first.said).toEqual(told), { timeout: 20_000 })
      expect(complaints).toEqual([])
    } finally {
      await browser.close()
      await server.close()
    }
  },
)
