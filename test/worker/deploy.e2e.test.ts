import { spawnSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import { STARTS_WITHIN, TestServers } from './support/test-servers.ts'

const servers = new TestServers()
afterAll(() => servers.stop())

test(
  'wrangler deploys the bot without nodejs_compat, and the bundle imports nothing of Node',
  async () => {
    const project = await servers.project()
    const out = await servers.folder()
    const wrangler = join(project, 'node_modules', 'wrangler', 'bin', 'wrangler.js')
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [wrangler, 'deploy', '--dry-run', '--outdir', out],
      {
        cwd: project,
        encoding: 'utf8',
        env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_WRITE_LOGS: 'false' },
      },
    )
    expect(status, stderr).toBe(0)
    expect(stdout + stderr).not.toMatch(/warning/i)
    for (const binding of ['BOT_STORAGE', 'BOT_KV', 'WEB_LIMIT', 'ADMIN_LIMIT', 'STORAGE']) {
      expect(stdout).toContain(`env.${binding}`)
    }
    // Without these flags Node's modules exist, and an import of one would go unnoticed.
    expect(await readFile(join(project, 'wrangler.toml'), 'utf8')).toMatch(
      /^compatibility_flags = \["no_nodejs_compat", "no_nodejs_compat_v2"\]$/m,
    )
    const [script = ''] = (await readdir(out)).filter((name) => name.endsWith('.js'))
    const { metafile } = await build({
      entryPoints: [join(out, script)],
      bundle: true,
      write: false,
      format: 'esm',
      metafile: true,
      plugins: [
        {
          name: 'external',
          setup: (bundle) =>
            bundle.onResolve({ filter: /.*/ }, ({ path, kind }) =>
              kind === 'entry-point' ? undefined : { path, external: true },
            ),
        },
      ],
    })
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports)
    expect(imports.map(({ path }) => path).filter((path) => isBuiltin(path))).toEqual([])
    expect(imports.map(({ path }) => path)).toContain('cloudflare:workers')
  },
  STARTS_WITHIN,
)

test('the documented steps name what wrangler.toml binds, and secrets that the Worker reads', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const [page, config, env] = await Promise.all(
    ['docs/the-bot.md', 'wrangler.toml', 'worker/env.ts'].map((name) =>
      readFile(join(root, name), 'utf8'),
    ),
  )
  const [, namespace] = /kv namespace create (\w+)/.exec(page ?? '') ?? []
  expect(config).toContain(`binding = "${namespace}"`)
  const secrets = [...(page ?? '').matchAll(/wrangler secret put (\w+)/g)].map(([, name]) => name)
  expect(secrets).toContain('ADMIN_TOKEN')
  for (const name of secrets) expect(env).toContain(`readonly ${name}?: string`)
})
