import { availableParallelism } from 'node:os'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { playwright } from '@vitest/browser-playwright'
import { defaultClientConditions, defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'
import { chromiumLaunch } from './scripts/chromium.ts'

/** Resolves `botshelf` to its sources instead of `dist`. */
const SOURCE = 'botshelf-source'
const resolve = { conditions: [SOURCE, ...defaultClientConditions] }

export default defineConfig({
  test: {
    // Most tests wait for a browser or a Worker, so even two cores run two files.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        // Needs no browser, no Worker and no packaging: `npm run test:node`.
        ssr: { resolve: { conditions: [SOURCE, ...defaultServerConditions] } },
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{e2e,workerd,chromium}.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Runs in Node and starts browsers, Workers or an installation of the package.
        ssr: { resolve: { conditions: [SOURCE, ...defaultServerConditions] } },
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Runs inside workerd. The test runner needs `nodejs_compat`; the published Worker does not.
        resolve,
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './test/support/wrangler.toml' },
            miniflare: { compatibilityFlags: ['nodejs_compat'] },
          }),
        ],
        test: {
          name: 'workerd',
          include: ['test/**/*.workerd.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        // Runs inside a page of Chromium.
        resolve,
        // Vite reloads the page when it finds a dependency late, in the middle of a test.
        optimizeDeps: {
          include: [
            'devalue',
            '@keyv/test-suite',
            '@langchain/core/messages',
            '@langchain/langgraph',
            '@langchain/langgraph-checkpoint',
            '@langchain/langgraph-checkpoint-validation',
            '@openai/agents',
            '@openai/agents/testing',
            'grammy',
            'idb',
            'keyv',
            'react',
            'react-dom/client',
          ],
        },
        test: {
          name: 'chromium',
          include: ['test/**/*.chromium.test.ts'],
          testTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: chromiumLaunch() }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
})
