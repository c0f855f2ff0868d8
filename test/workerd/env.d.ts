declare namespace Cloudflare {
  interface Env {
    BOT_KV: KVNamespace
    BOT_STORAGE: DurableObjectNamespace<import('../../adapters/storage-object.js').StorageObject>
    HOST: DurableObjectNamespace<import('../support/worker.js').HostObject>
  }
}
