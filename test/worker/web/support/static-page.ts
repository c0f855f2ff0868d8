import { afterAll, afterEach, beforeAll } from 'vitest'
import { TestBrowser } from './browser.ts'
import { startStaticServer, type StaticServer } from './static-server.ts'

/** The page as static files, and a browser for it: made for a test file, ended with it. */
export interface StaticPage {
  readonly url: string
  /** Where a page is that holds the page in a frame without an origin. */
  readonly framed: string
  readonly browser: TestBrowser
}

export function useStaticPage(): StaticPage {
  let server: StaticServer
  let browser: TestBrowser
  beforeAll(async () => {
    ;[server, browser] = await Promise.all([startStaticServer(), TestBrowser.start()])
  })
  afterEach(() => browser.clear())
  afterAll(() => Promise.all([server?.stop(), browser?.stop()]))
  return {
    get url() {
      return server.url
    },
    get framed() {
      return server.framed
    },
    get browser() {
      return browser
    },
  }
}
