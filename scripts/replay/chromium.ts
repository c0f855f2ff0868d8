import { chromium } from 'playwright'
import type { Factoid } from '../../worker/bot/factoids.ts'
import type { LogEvent } from '../../worker/bot/irc-log.ts'
import type { Knowledge } from '../../worker/bot/knowledge.ts'
import type { Sighting } from '../../worker/bot/seen.ts'
import { bundle } from '../bundle.ts'
import { chromiumLaunch } from '../chromium.ts'

/** The knowledge of the bot in the page, in a form that can leave the page. */
export interface PageKnowledge {
  readonly factoids: readonly [string, Factoid][]
  readonly seen: readonly [string, Sighting][]
}

// IndexedDB needs an origin. No server is behind it; the route below answers.
const PAGE = 'http://replay.localhost/'

/** Replays events to a bot in a page of Chromium, on IndexedDB; resolves to its knowledge. */
export async function replayInChromium(
  events: readonly LogEvent[],
  room: string,
  onProgress: (count: number) => void = () => {},
): Promise<Knowledge> {
  const script = await bundle(new URL('./chromium-page.ts', import.meta.url))
  const browser = await chromium.launch(chromiumLaunch())
  try {
    const page = await browser.newPage()
    await page.route(`${PAGE}**`, (route) => route.fulfill({ contentType: 'text/html', body: '' }))
    await page.exposeFunction('onProgress', onProgress)
    await page.goto(PAGE)
    await page.addScriptTag({ content: script, type: 'module' })
    await page.waitForFunction(() => 'replay' in globalThis)
    const knowledge = await page.evaluate((log) => globalThis.replay(log.events, log.room), {
      events,
      room,
    })
    return { factoids: new Map(knowledge.factoids), seen: new Map(knowledge.seen) }
  } finally {
    await browser.close()
  }
}
