declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import('./worker.ts')
  }
  interface Env {
    BOT_KV: KVNamespace
    BOT_STORAGE: DurableObjectNamespace<import('../../adapters/storage-object.ts').StorageObject>
    LEGACY: DurableObjectNamespace<import('./worker.ts').LegacyObject>
    CHAOS: DurableObjectNamespace<import('./worker.ts').ChaosObject>
    HOST: DurableObjectNamespace<import('./worker.ts').HostObject>
  }
}
