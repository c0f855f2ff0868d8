import { availableParallelism } from 'node:os'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumLaunch } from './scripts/chromium.js'

export default defineConfig({
  test: {
    // Most of them wait for a browser or a Worker; one at a time would leave two cores idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/workerd/**', 'test/chromium/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // The flag is for the test runner's own sake; the Worker that ships does without.
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './test/support/wrangler.toml' },
            miniflare: { compatibilityFlags: ['nodejs_compat'] },
          }),
        ],
        test: {
          name: 'workerd',
          include: ['test/workerd/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        // Found out late, they would load the page again in the midst of a test.
        optimizeDeps: { include: ['devalue', 'idb'] },
        test: {
          name: 'chromium',
          include: ['test/chromium/**/*.test.ts'],
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
