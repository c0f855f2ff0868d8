// Gives each bridge's result to its framework. `types.e2e.test.ts` compiles it against the packed
// package and the frameworks, and never runs it. Every `@ts-expect-error` must suppress an error.

import type { BetterAuthOptions } from 'better-auth'
import type { Store } from 'botshelf'
import { secondaryStorage } from 'botshelf/better-auth'

export function useBetterAuth(store: Store, opening: Promise<Store>): BetterAuthOptions {
  // @ts-expect-error -- the promise of a store
  secondaryStorage(opening)
  return { secondaryStorage: secondaryStorage(store) }
}
