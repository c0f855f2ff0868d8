import { registerHooks } from 'node:module'

/** From then on, Node runs what is imported as it stands: it looks for a `.js` file where TypeScript names one. */
export function importTypeScript(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const isOurs =
        specifier.startsWith('.') && context.parentURL?.includes('/node_modules/') === false
      return next(isOurs ? specifier.replace(/\.js$/, '.ts') : specifier, context)
    },
  })
}
