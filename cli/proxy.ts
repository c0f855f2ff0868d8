import { CliError, EXIT } from './errors.ts'
import type { CommandIo } from './io.ts'

/**
 * Sends the calls of fetch() through the proxy of `HTTPS_PROXY` or `HTTP_PROXY`, except to `NO_PROXY`.
 * Resolves to a function that undoes it and closes the connections, which would keep the process alive;
 * `undefined` without a proxy.
 */
export async function useProxy(env: CommandIo['env']): Promise<(() => Promise<void>) | undefined> {
  const read = (name: string): string | undefined =>
    env[name.toLowerCase()] || env[name] || undefined
  const given = { httpProxy: read('HTTP_PROXY'), httpsProxy: read('HTTPS_PROXY') }
  if (given.httpProxy === undefined && given.httpsProxy === undefined) return undefined
  // Loaded only here: most calls need no proxy, and Node's fetch() uses the dispatcher of this package.
  const { EnvHttpProxyAgent, getGlobalDispatcher, setGlobalDispatcher } = await import('undici')
  const { httpProxy = '', httpsProxy = '' } = given
  try {
    const noProxy = read('NO_PROXY') ?? ''
    const agent = new EnvHttpProxyAgent({ httpProxy, httpsProxy, noProxy })
    const previous = getGlobalDispatcher()
    setGlobalDispatcher(agent)
    return () => {
      setGlobalDispatcher(previous)
      return agent.destroy()
    }
  } catch (cause) {
    // The URL may have a password.
    throw new CliError(
      EXIT.usage,
      'HTTPS_PROXY and HTTP_PROXY must be URLs, such as http://proxy.example.com:3128.',
      { cause },
    )
  }
}
