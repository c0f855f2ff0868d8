import { type BotConfig, type StorageRegistry, StorageRuntime } from '../../src/index.ts'

/** Starts a runtime and resolves to the code and the message of its error, or to `none`. */
export async function startError(
  config: object | null,
  registry: StorageRegistry,
): Promise<{ code: string; message: string }> {
  return StorageRuntime.start(config as BotConfig, registry).then(
    () => ({ code: 'none', message: 'the runtime started' }),
    (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
  )
}
