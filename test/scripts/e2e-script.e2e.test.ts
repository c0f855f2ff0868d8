import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { STARTS_WITHIN } from '../worker/support/test-servers.ts'

test(
  'npm run e2e: Telegram, provisioning, backup, wipe and restore, bad input and a flood, each as it says',
  () => {
    const walk = fileURLToPath(new URL('../../scripts/e2e.ts', import.meta.url))
    const { status, stdout, stderr } = spawnSync(process.execPath, [walk], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status, stdout).toBe(0)
    for (const heading of ['On Telegram', 'on DurableObject', 'on CloudflareKV', 'Bad input']) {
      expect(stdout).toContain(heading)
    }
    expect(stdout).toMatch(/Everything is as it should be\.\n$/)
  },
  STARTS_WITHIN,
)
