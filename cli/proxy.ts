const VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']

/** Sends the calls of fetch() through the proxy of `HTTPS_PROXY` or `HTTP_PROXY`, except to `NO_PROXY`. */
export async function useProxy(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  if (!VARIABLES.some((name) => env[name])) return
  // Loaded only here: most calls need no proxy, and Node's fetch() uses the dispatcher of this package.
  const { EnvHttpProxyAgent, setGlobalDispatcher } = await import('undici')
  setGlobalDispatcher(new EnvHttpProxyAgent())
}
