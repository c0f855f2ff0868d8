export { staleKV, type StaleKVLocation, type StaleKVOptions } from './stale-kv.ts'
