import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { STARTS_WITHIN } from '../worker/support/test-servers.ts'

test(
  'npm run e2e calls every route of the bot and exits with 0',
  () => {
    const script = fileURLToPath(new URL('../../scripts/e2e.ts', import.meta.url))
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status, stdout).toBe(0)
    for (const heading of ['Telegram', 'on DurableObject', 'on CloudflareKV', 'Invalid input']) {
      expect(stdout).toContain(heading)
    }
    expect(stdout).toMatch(/All responses are as expected\.\n$/)
  },
  STARTS_WITHIN,
)
