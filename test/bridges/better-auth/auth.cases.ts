import { type BetterAuthOptions, betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { expect, test } from 'vitest'
import { secondaryStorage } from '../../../bridges/better-auth.ts'
import { type BridgeBackend, describeBridge, recordLostUpdates } from '../support/bridge.ts'

const ORIGIN = 'https://example.com'
const ANN = { name: 'Ann', email: 'ann@example.com', password: 'correct horse' }
const RATE_LIMIT = 20

type Storage = NonNullable<BetterAuthOptions['secondaryStorage']>
type Database = Parameters<typeof memoryAdapter>[0]
type Auth = ReturnType<typeof createAuth>

function createDatabase(): Database {
  return { user: [], account: [], session: [], verification: [] }
}

/** Creates an instance, as each isolate of a Worker does. The instances share their storages. */
function createAuth(storage: Storage, database: Database, options: BetterAuthOptions = {}) {
  return betterAuth({
    baseURL: ORIGIN,
    secret: 'a secret of at least 32 characters',
    database: memoryAdapter(database),
    secondaryStorage: storage,
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    advanced: { ipAddress: { ipAddressHeaders: ['cf-connecting-ip'] } },
    ...options,
  })
}

function createLimitedAuth(storage: Storage): Auth {
  return createAuth(storage, createDatabase(), {
    rateLimit: {
      enabled: true,
      storage: 'secondary-storage',
      customRules: { '/ok': { window: 60, max: RATE_LIMIT } },
    },
  })
}

async function request(
  auth: Auth,
  path: string,
  { body, cookie = '', ip = '203.0.113.7' }: { body?: object; cookie?: string; ip?: string } = {},
): Promise<Response> {
  const headers = { 'cf-connecting-ip': ip, origin: ORIGIN, cookie }
  const init = body && {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
  return auth.handler(new Request(`${ORIGIN}/api/auth/${path}`, init ?? { headers }))
}

function cookieOf(response: Response): string {
  expect(response.status).toBe(200)
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
}

/** Counts the responses of 100 concurrent requests that a rate limit let through. */
async function countAllowed(auths: readonly Auth[]): Promise<number> {
  const responses = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => request(auths[index % auths.length]!, 'ok')),
  )
  const statuses = responses.map(({ status }) => status)
  expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([])
  return statuses.filter((status) => status === 200).length
}

/** What a storage is that can only get and set, such as Workers KV. */
function createGetSetStorage(map: Map<string, unknown>): Storage {
  const get: Storage['get'] = async (key) => map.get(key) ?? null
  const set: Storage['set'] = async (key, value) => void map.set(key, value)
  const remove = async (key: string): Promise<void> => void map.delete(key)
  return {
    get,
    set,
    delete: remove,
    getAndDelete: async (key) => {
      const value = await get(key)
      await remove(key)
      return value
    },
    increment: async (key, ttl) => {
      const count = Number(await get(key)) + 1
      await set(key, String(count), ttl)
      return count
    },
  }
}

/** Tests the storage in Better Auth. */
export function testBetterAuth(backend: BridgeBackend): void {
  describeBridge('better-auth', backend, ({ open, openAll }) => {
    test('of 100 concurrent requests to 10 instances exactly the limit passes, and more with get and set', async (context) => {
      const ours = await countAllowed(
        (await openAll(10)).map(secondaryStorage).map(createLimitedAuth),
      )
      const map = new Map()
      const theirs = await countAllowed(
        Array.from({ length: 10 }, () => createLimitedAuth(createGetSetStorage(map))),
      )
      recordLostUpdates(context, {
        updates: 100,
        ours: ours - RATE_LIMIT,
        theirs: theirs - RATE_LIMIT,
        theirName: 'get, set',
      })
      expect(ours).toBe(RATE_LIMIT)
      expect(theirs).toBeGreaterThan(RATE_LIMIT)
    })

    test('a rate limit counts each address, and begins again after its window', async () => {
      let now = Date.now()
      const auth = createLimitedAuth(secondaryStorage(await open(() => now)))
      expect(await countAllowed([auth])).toBe(RATE_LIMIT)
      expect((await request(auth, 'ok', { ip: '203.0.113.8' })).status).toBe(200)
      expect((await request(auth, 'ok')).status).toBe(429)
      now += 60_000
      expect((await request(auth, 'ok')).status).toBe(200)
    })

    test('a rate limit counts a path of any length, and stores no long key', async () => {
      const store = await open()
      const auth = createAuth(secondaryStorage(store), createDatabase(), {
        rateLimit: { enabled: true, window: 60, max: 2 },
      })
      const statuses: number[] = []
      for (const end of ['a', 'a', 'a', 'b']) {
        statuses.push((await request(auth, `${'x'.repeat(8000)}${end}`)).status)
      }
      expect(statuses).toEqual([404, 404, 429, 404])
      for await (const key of store.keys()) expect(key.length).toBeLessThanOrEqual(512)
    })

    test('a session lives in the store from sign-in to sign-out, for every instance', async () => {
      const stores = await openAll(2)
      const database = createDatabase()
      const [first, second] = stores.map((store) => createAuth(secondaryStorage(store), database))
      await request(first!, 'sign-up/email', { body: ANN })
      const { email, password } = ANN
      const cookie = cookieOf(await request(first!, 'sign-in/email', { body: { email, password } }))
      expect(database.session).toEqual([])

      const read = await request(second!, 'get-session', { cookie })
      const { session, user } = (await read.json()) as {
        session: { token: string; userId: string; expiresAt: string }
        user: { email: string }
      }
      expect(user.email).toBe(ANN.email)
      const stored = (await stores[0]!.record(session.token))!
      expect(JSON.parse(String(stored.value))).toMatchObject({
        session: { userId: session.userId },
      })
      // Better Auth rounds the time to live down to seconds.
      expect(Date.parse(session.expiresAt) - stored.expires!).toBeLessThan(2000)

      expect((await request(second!, 'sign-out', { cookie, body: {} })).status).toBe(200)
      expect(await stores[0]!.has(session.token)).toBe(false)
      expect(await (await request(first!, 'get-session', { cookie })).json()).toBeNull()
    })

    test('a session ends when it has expired in the store', async () => {
      let now = Date.now()
      const auth = createAuth(secondaryStorage(await open(() => now)), createDatabase())
      const cookie = cookieOf(await request(auth, 'sign-up/email', { body: ANN }))
      expect(await (await request(auth, 'get-session', { cookie })).json()).not.toBeNull()
      now += 7 * 86_400_000
      expect(await (await request(auth, 'get-session', { cookie })).json()).toBeNull()
    })

    test('of 5 concurrent resets of a password with one token exactly one succeeds', async () => {
      const database = createDatabase()
      let token = ''
      const auths = (await openAll(5)).map((store) =>
        createAuth(secondaryStorage(store), database, {
          emailAndPassword: {
            enabled: true,
            sendResetPassword: async (message) => {
              token = message.token
            },
          },
        }),
      )
      await request(auths[0]!, 'sign-up/email', { body: ANN })
      await request(auths[0]!, 'request-password-reset', { body: { email: ANN.email } })
      expect(token).not.toBe('')
      const responses = await Promise.all(
        auths.map(async (auth) =>
          request(auth, 'reset-password', { body: { token, newPassword: 'battery staple' } }),
        ),
      )
      const statuses = responses.map(({ status }) => status)
      expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array(4).fill(400)])
    })

    test('of 50 concurrent uses of a verification exactly one gets it', async () => {
      const auths = (await openAll(10)).map((store) =>
        createAuth(secondaryStorage(store), createDatabase()),
      )
      const adapters = await Promise.all(
        auths.map(async (auth) => (await auth.$context).internalAdapter),
      )
      const expiresAt = new Date(Date.now() + 60_000)
      await adapters[0]!.createVerificationValue({ identifier: 'code', value: '7', expiresAt })
      const found = await Promise.all(
        Array.from({ length: 50 }, async (_, index) =>
          adapters[index % 10]!.consumeVerificationValue('code'),
        ),
      )
      expect(found.flatMap((verification) => verification?.value ?? [])).toEqual(['7'])
    })

    test('concurrent sessions of one user are all valid, some are missing in the list, and all are revoked', async () => {
      const database = createDatabase()
      const adapters = await Promise.all(
        (await openAll(10)).map(
          async (store) =>
            (await createAuth(secondaryStorage(store), database).$context).internalAdapter,
        ),
      )
      const { id } = await adapters[0]!.createUser(ANN, { method: 'email-password' })
      const sessions = await Promise.all(adapters.map(async (adapter) => adapter.createSession(id)))
      const countValid = async (): Promise<number> => {
        const found = await Promise.all(
          sessions.map(async ({ token }) => adapters[0]!.findSession(token)),
        )
        return found.filter((session) => session !== null).length
      }
      expect(await countValid()).toBe(10)
      // Better Auth keeps the list of a user's sessions with get() and set().
      expect((await adapters[0]!.listSessions(id)).length).toBeLessThan(10)
      // It revokes the sessions that were created in an earlier millisecond.
      await new Promise((resolve) => setTimeout(resolve, 5))
      await adapters[0]!.deleteUserSessions(id)
      expect(await countValid()).toBe(0)
    })

    test('a store that fails lets no request pass, and Better Auth throws or logs its error', async () => {
      const store = await open()
      const logged: unknown[] = []
      const storage = secondaryStorage(store)
      const auth = createAuth(storage, createDatabase(), {
        logger: { log: (_level, _message, ...details) => logged.push(...details) },
      })
      const cookie = cookieOf(await request(auth, 'sign-up/email', { body: ANN }))
      await store.close()
      await expect(request(createLimitedAuth(storage), 'ok')).rejects.toMatchObject({
        code: 'STORE_NOT_OPEN',
      })
      expect((await request(auth, 'get-session', { cookie })).status).toBe(500)
      expect(logged).toContainEqual(expect.objectContaining({ code: 'STORE_NOT_OPEN' }))
    })
  })
}
