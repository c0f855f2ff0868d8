// Lets the bot hear an IRC log and prints what it then knows:
// npm run replay -- <log> --storage Memory|IndexedDB|DurableObject|CloudflareKV [--url http://...] [--json]
// A log heard twice counts twice; who was seen last and when stays, as its times do not go back.
import { registerHooks } from 'node:module'

// Node runs TypeScript as it stands, but looks for the `.js` file that an import names.
registerHooks({
  resolve(specifier, context, next) {
    const isOurs =
      specifier.startsWith('.') && context.parentURL?.includes('/node_modules/') === false
    return next(isOurs ? specifier.replace(/\.js$/, '.ts') : specifier, context)
  },
})

const { main } = await import('./replay/main.ts')
await main()
