import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright'
import type { Factoid } from '../../worker/bot/factoids.ts'
import type { LogEvent } from '../../worker/bot/irc-log.ts'
import type { Knowledge } from '../../worker/bot/knowledge.ts'
import type { Sighting } from '../../worker/bot/seen.ts'
import { chromiumLaunch } from '../chromium.ts'

/** What the bot in the page knows, as it comes out of the page. */
export interface PageKnowledge {
  readonly factoids: readonly [string, Factoid][]
  readonly seen: readonly [string, Sighting][]
}

// Nobody serves it: what is asked of it is answered below. An origin it must be, to store anything.
const PAGE = 'http://replay.localhost/'

/** Lets a bot in a page of Chromium hear the events, on IndexedDB; resolves to what it then knows. */
export async function replayInChromium(
  events: readonly LogEvent[],
  room: string,
  onHeard: (count: number) => void = () => {},
): Promise<Knowledge> {
  const script = await bundle()
  const browser = await chromium.launch(chromiumLaunch())
  try {
    const page = await browser.newPage()
    await page.route(`${PAGE}**`, (route) => route.fulfill({ contentType: 'text/html', body: '' }))
    await page.exposeFunction('onHeard', onHeard)
    await page.goto(PAGE)
    await page.addScriptTag({ content: script, type: 'module' })
    await page.waitForFunction(() => 'replay' in globalThis)
    const known = await page.evaluate(
      ({ events: heard, room: where }) => globalThis.replay(heard, where),
      { events, room },
    )
    return { factoids: new Map(known.factoids), seen: new Map(known.seen) }
  } finally {
    await browser.close()
  }
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./chromium-page.ts', import.meta.url))],
    bundle: true,
    conditions: ['botshelf-source'],
    format: 'esm',
    target: 'es2022',
    write: false,
  })
  return outputFiles.map(({ text }) => text).join('\n')
}
