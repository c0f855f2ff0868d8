import { afterEach, describe, expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { bearerAuth, createAdminHandler, remoteTarget } from '../../../src/admin/index.ts'
import {
  type BackupTarget,
  type Contents,
  formatBackup,
  parseBackup,
  planRestore,
  readAll,
  readParts,
  runtimeTarget,
} from '../../../src/backup/index.ts'
import { createPart, parsePart } from '../../../src/backup/part.ts'
import { encode } from '../../../src/codec.ts'
import { StorageRuntime, type Store } from '../../../src/index.ts'

const ENTRY = { namespace: 'Users', key: 'ann', value: encode({ name: 'Ann' }) }
const VERSIONED = { ...ENTRY, version: 2 }
const LINE = `{"namespace":"Users","key":"ann","value":"2:{\\"name\\":\\"Ann\\"}","version":2}`
const AT = '2026-01-02T12:00:00.000Z'
const HEADER = `{"botshelf":"backup","format":1,"at":"${AT}","storage":"Memory"}`

const createRuntime = (): StorageRuntime => new StorageRuntime(new MemoryStoragePlugin())
const parse = (text: string): ReturnType<typeof parseBackup> =>
  parseBackup(new TextEncoder().encode(text))
const file = (line: string): string => `${HEADER}\n${line}\n{"entries":1}\n`

/** Opens the users of a bot whose values have version 2; version 1 was a plain name. */
async function openUsers(
  runtime: StorageRuntime,
): Promise<Store<Record<string, { name: string }>>> {
  return runtime.open('Users', {
    version: 2,
    migrate: (value) => ({ name: String(value) }),
  })
}

/** A runtime with a value of version 2 and one from before there was a version. */
async function filled(): Promise<StorageRuntime> {
  const runtime = createRuntime()
  await (await runtime.open('Users')).set('ben', 'Ben')
  await (await openUsers(runtime)).set('ann', { name: 'Ann' })
  return runtime
}

async function expectRestored(runtime: StorageRuntime): Promise<void> {
  const users = await openUsers(runtime)
  expect(Object.fromEntries(await users.getMany(['ann', 'ben']))).toEqual({
    ann: { name: 'Ann' },
    ben: { name: 'Ben' },
  })
  const raw = await runtime.open('Users')
  expect(await raw.record('ann')).toEqual({ value: { name: 'Ann' }, version: 2 })
  expect(await raw.record('ben')).toEqual({ value: 'Ben' })
}

/** Serves the admin API of a runtime to `fetch`, and returns a target for it. */
function targetOf(runtime: StorageRuntime): BackupTarget {
  const handle = createAdminHandler({
    open: () => runtime,
    authorize: bearerAuth('a token'),
    secret: 'a secret',
  })
  // The handler closes what it opens; this runtime stays open for the test.
  runtime.close = async () => {}
  vi.stubGlobal('fetch', async (url: URL, init: RequestInit) => handle(new Request(url, init)))
  return remoteTarget({ url: 'https://bot.example.com/', token: 'a token' })
}

function contents(version?: number): Contents {
  const stored = version === undefined ? { value: '1:[1]' } : { value: '1:[1]', version }
  return new Map([['Users', new Map([['ann', stored]])]])
}

afterEach(() => vi.unstubAllGlobals())

test('a file keeps the version of a value, and an entry without one has no such field', async () => {
  const { contents: found } = await parse(file(LINE))
  expect(found.get('Users')?.get('ann')).toEqual({ value: ENTRY.value, version: 2 })
  const backup = { at: AT, storage: 'Memory', contents: found }
  expect((await formatBackup(backup)).split('\n').slice(0, 2)).toEqual([HEADER, LINE])
  const older = file(LINE.replace(',"version":2', ''))
  expect((await parse(older)).contents.get('Users')?.get('ann')).toEqual({ value: ENTRY.value })
  const again = await formatBackup(await parse(older))
  expect(again.split('\n').slice(0, 2)).toEqual(older.split('\n').slice(0, 2))
})

test.each(['0', '-1', '1.5', '"2"', 'null'])(
  'a file with the version %s is refused',
  async (version) => {
    const edited = file(LINE.replace('"version":2', `"version":${version}`))
    await expect(parse(edited)).rejects.toThrow(
      'Line 2: The field "version" must be a positive integer.',
    )
  },
)

test('the digest of a part covers the version, and that of a part without one is as before', async () => {
  const part = await createPart({ after: null, entries: [VERSIONED], isLast: true })
  expect((await parsePart(part)).entries).toEqual([VERSIONED])
  await expect(parsePart({ ...part, entries: [{ ...VERSIONED, version: 3 }] })).rejects.toThrow(
    'its sha256 does not match',
  )
  const entry = { ...ENTRY, value: '1:[{"name":1},"Ann"]' }
  const older = await createPart({ after: null, entries: [entry], isLast: true })
  expect(older.sha256).toBe('95dc37b8476d6200aa386f3c7053c98f46545a8b0c47631281b78729e651ca29')
})

test('planRestore() changes an entry that differs in its version only', () => {
  expect(planRestore(contents(2), contents(2), 'merge').changes).toEqual([])
  expect(planRestore(contents(2), contents(), 'merge')).toMatchObject({
    changed: 1,
    changes: [{ version: 2 }],
  })
  expect(planRestore(contents(), contents(2), 'merge').changes).toEqual([
    { namespace: 'Users', key: 'ann', value: '1:[1]' },
  ])
})

describe('a restore does not make migrate() run on values that it has converted', () => {
  test.each([
    ['runtimeTarget()', runtimeTarget],
    ['remoteTarget()', targetOf],
  ])('with %s', async (_, createTarget: (runtime: StorageRuntime) => BackupTarget) => {
    const found = await readAll(createTarget(await filled()))
    const text = await formatBackup({ at: AT, storage: 'Memory', contents: found })
    const runtime = createRuntime()
    const target = createTarget(runtime)
    const backup = (await parse(text)).contents
    await target.apply(planRestore(backup, await readAll(target), 'replace').changes)
    await expectRestored(runtime)
    expect(planRestore(backup, await readAll(target), 'replace').changes).toEqual([])
  })

  test('with readParts() and setMissing()', async () => {
    const runtime = createRuntime()
    for await (const { entries } of readParts(await filled()))
      await runtimeTarget(runtime).setMissing(entries)
    await expectRestored(runtime)
  })

  test('with PUT /admin/storage, if it sends the versions that GET returned', async () => {
    const put = async (runtime: StorageRuntime, body: unknown): Promise<Response> => {
      targetOf(runtime)
      return fetch(new URL('https://bot.example.com/admin/storage/Users'), {
        method: 'PUT',
        headers: { authorization: 'Bearer a token', 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    }
    targetOf(await filled())
    const found = await fetch(new URL('https://bot.example.com/admin/storage/Users'), {
      headers: { authorization: 'Bearer a token' },
    })
    const { cursor, ...body } = (await found.json()) as Readonly<Record<string, unknown>>
    expect(cursor).toBe(null)
    expect(body).toEqual({
      entries: { ann: ENTRY.value, ben: '2:"Ben"' },
      expires: {},
      versions: { ann: 2 },
    })
    const runtime = createRuntime()
    expect((await put(runtime, body)).status).toBe(200)
    await expectRestored(runtime)
    for (const versions of [{ ann: 0 }, { cy: 2 }]) {
      expect((await put(runtime, { ...body, versions })).status).toBe(400)
    }
  })
})
