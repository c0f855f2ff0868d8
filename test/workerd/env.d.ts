declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import('../support/worker.js')
  }
  interface Env {
    BOT_KV: KVNamespace
    BOT_STORAGE: DurableObjectNamespace<import('../../adapters/storage-object.js').StorageObject>
    HOST: DurableObjectNamespace<import('../support/worker.js').HostObject>
  }
}
