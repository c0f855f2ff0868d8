import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { ROOT, run } from './support/run.ts'

/** What npm sends to publish a package. */
interface Published {
  readonly name: string
  readonly versions: Readonly<Record<string, { readonly repository: { readonly url: string } }>>
}

test('release:reserve publishes version 0.0.0 of the names that npm does not know, and no other', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-reserve-'))
  const published = new Map<string, Published>()
  const requests: string[] = []
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = (request.url ?? '').slice(1).split('?')[0] ?? ''
    if (request.method === 'PUT') {
      requests.push(name)
      published.set(name, (await json(request)) as Published)
      response.writeHead(201).end('{}')
    } else {
      const { versions } = published.get(name) ?? {}
      const maintainers = [{ name: 'owner', email: 'owner@example.com' }]
      const body = { name, versions, maintainers, 'dist-tags': { latest: '0.0.0' } }
      response.writeHead(versions === undefined ? 404 : 200).end(JSON.stringify(body))
    }
  }
  const registry = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = registry.address() as { port: number }
    const settings = join(folder, 'npmrc')
    await writeFile(
      settings,
      `registry=http://127.0.0.1:${port}/\n//127.0.0.1:${port}/:_authToken=token\nnoproxy=127.0.0.1\n`,
    )
    const reserve = (): Promise<string> =>
      run(ROOT, 'node', 'scripts/release-reserve.ts', `--userconfig=${settings}`)
    await reserve()
    expect(requests).toEqual(['botshelf', 'create-botshelf'])
    for (const { versions } of published.values()) {
      expect(Object.keys(versions)).toEqual(['0.0.0'])
      expect(versions['0.0.0']?.repository.url).toBe('git+https://github.com/botshelf/botshelf.git')
    }
    published.delete('create-botshelf')
    expect(await reserve()).toContain('botshelf exists on npm')
    expect(requests).toEqual(['botshelf', 'create-botshelf', 'create-botshelf'])
  } finally {
    registry.closeAllConnections()
    registry.close()
    await rm(folder, { recursive: true })
  }
})
