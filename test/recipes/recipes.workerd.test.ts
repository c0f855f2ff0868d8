import { env } from 'cloudflare:workers'
import { DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { testRecipes } from './support/test-recipes.ts'

const config = { STORAGE_CONFIG: { binding: env.BOT_STORAGE } }
testRecipes('a Durable Object', () => new DurableObjectStoragePlugin(config))
