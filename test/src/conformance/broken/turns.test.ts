import { LocalTurns, type Turn, type Turns } from '../../../../src/index.ts'
import { BrokenPlugin, testBrokenStorages } from './broken-plugin.ts'
import { patchPerform } from './performing-plugin.ts'

type Request = Turns['request']

/** Replaces the turns of a storage. */
function createPlugin(replace: (turns: LocalTurns) => Partial<Turns>): BrokenPlugin {
  return new BrokenPlugin((storage) => {
    const turns = new LocalTurns()
    const { request, isContended, hasContention } = replace(turns)
    Object.defineProperty(storage, 'turns', {
      value: {
        request: request ?? ((...args: Parameters<Request>) => turns.request(...args)),
        isContended: isContended ?? ((key: string) => turns.isContended(key)),
        hasContention: hasContention ?? true,
      } satisfies Turns,
    })
  })
}

/** Changes every turn. */
function changeTurns(change: (turn: Turn, keys: readonly string[]) => Turn): BrokenPlugin {
  return createPlugin((turns) => ({
    request: async (keys, leaseMs) => change(await turns.request(keys, leaseMs), keys),
  }))
}

testBrokenStorages(
  [
    {
      fault: 'gives all turns at once',
      rule: 'turns/one-at-a-time',
      create: () =>
        createPlugin(() => ({
          request: (keys, leaseMs) => new LocalTurns().request(keys, leaseMs),
        })),
    },
    {
      fault: 'has contention on a key and not in general',
      rule: 'turns/contended',
      create: () => createPlugin(() => ({ hasContention: false })),
    },
    {
      fault: 'ends the turn of the next client when one is released twice',
      rule: 'turns/release-twice',
      create: () => {
        let last: Turn | undefined
        return changeTurns((turn) => {
          last = turn
          let count = 0
          return {
            hasLapsed: false,
            release: () => (count++ === 0 ? turn.release() : last?.release()),
          }
        })
      },
    },
    {
      fault: 'gives turns without a lease',
      rule: 'turns/lease',
      create: () => createPlugin((turns) => ({ request: (keys) => turns.request(keys, 60_000) })),
    },
    {
      fault: 'does not say that a lease has ended',
      rule: 'turns/lease',
      create: () => changeTurns((turn) => ({ hasLapsed: false, release: () => turn.release() })),
    },
    {
      fault: 'waits for one key after another',
      rule: 'turns/several-keys',
      create: () =>
        createPlugin((turns) => ({
          request: async (keys, leaseMs) => {
            const held: Turn[] = []
            for (const key of keys) held.push(await turns.request([key], leaseMs))
            return {
              hasLapsed: false,
              release: () => {
                for (const turn of held) turn.release()
              },
            }
          },
        })),
    },
    {
      fault: 'gives a turn on the first of the keys only',
      rule: 'turns/several-keys',
      create: () =>
        createPlugin((turns) => ({
          request: (keys, leaseMs) => turns.request(keys.slice(0, 1), leaseMs),
        })),
    },
    {
      fault: 'has one queue for all keys',
      rule: 'turns/different-keys',
      create: () =>
        createPlugin((turns) => ({ request: (_, leaseMs) => turns.request(['all'], leaseMs) })),
    },
    ...(['commit', 'transact', 'perform'] as const).map((method) => ({
      fault: `ignores the turn of ${method}()`,
      rule: 'turns/write-ends-turn',
      create: () =>
        new BrokenPlugin((storage, original) => {
          patchPerform()(storage, original)
          const write = storage[method]?.bind(storage) as (...args: unknown[]) => Promise<unknown>
          const withoutTurn = (...args: unknown[]): Promise<unknown> =>
            write(...args.map((arg) => (isOptions(arg) ? {} : arg)))
          Object.defineProperty(storage, method, { value: withoutTurn })
        }),
    })),
    {
      fault: 'reads the entries when a turn is requested',
      rule: 'turns/entries',
      create: () =>
        new BrokenPlugin((storage, original) => {
          const turns = new LocalTurns()
          const request: Request = async (keys, leaseMs) => {
            const entries = await original.getMany(keys)
            const turn = await turns.request(keys, leaseMs)
            return { entries, hasLapsed: false, release: () => turn.release() }
          }
          Object.defineProperty(storage, 'turns', {
            value: { request, isContended: () => true, hasContention: true } satisfies Turns,
          })
        }),
    },
  ],
  patchPerform(),
)

function isOptions(argument: unknown): boolean {
  return typeof argument === 'object' && argument !== null && 'turn' in argument
}
