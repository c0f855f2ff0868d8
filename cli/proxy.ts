import { CliError, EXIT } from './errors.ts'
import type { CommandIo } from './io.ts'

/** Sends the calls of fetch() through the proxy of `HTTPS_PROXY` or `HTTP_PROXY`, except to `NO_PROXY`. */
export async function useProxy(env: CommandIo['env']): Promise<void> {
  const read = (name: string): string | undefined =>
    env[name.toLowerCase()] || env[name] || undefined
  const given = { httpProxy: read('HTTP_PROXY'), httpsProxy: read('HTTPS_PROXY') }
  if (given.httpProxy === undefined && given.httpsProxy === undefined) return
  // Loaded only here: most calls need no proxy, and Node's fetch() uses the dispatcher of this package.
  const { EnvHttpProxyAgent, setGlobalDispatcher } = await import('undici')
  const { httpProxy = '', httpsProxy = '' } = given
  try {
    const noProxy = read('NO_PROXY') ?? ''
    setGlobalDispatcher(new EnvHttpProxyAgent({ httpProxy, httpsProxy, noProxy }))
  } catch (cause) {
    // The URL may have a password.
    throw new CliError(
      EXIT.usage,
      'HTTPS_PROXY and HTTP_PROXY must be URLs, such as http://proxy.example.com:3128.',
      { cause },
    )
  }
}
