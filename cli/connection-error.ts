import type { AdminError } from '../src/admin/client.ts'

/** Explains why there was no response: DNS, a refused connection, TLS, or a time limit. */
export function explainConnectionError(error: AdminError): string {
  const { code, hostname } = findCode(error.cause)
  const { message } = error
  switch (code) {
    case undefined:
      return message
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${message} DNS knows no address for ${hostname ?? 'this host'}. Check the spelling and the network.`
    case 'ECONNREFUSED':
      return `${message} The connection was refused: nothing listens on this port. Check the port, and start the bot.`
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return `${message} The connection was closed before there was an answer. Check whether the port speaks ${error.message.includes('https://') ? 'HTTPS' : 'HTTP'}.`
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return `${message} The host did not accept a connection (${code}). Check the network, or set HTTPS_PROXY.`
    default:
      if (/^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO)/.test(code)) {
        return `${message} The TLS connection failed (${code}). Check that the URL needs https, and the certificate; NODE_EXTRA_CA_CERTS names a file of further authorities.`
      }
      return `${message} (${code})`
  }
}

interface SystemError {
  readonly code?: unknown
  readonly hostname?: unknown
  readonly cause?: unknown
  readonly errors?: readonly unknown[]
}

/** Finds the code of the system's error, which fetch() wraps. */
function findCode(error: unknown): { code?: string; hostname?: string } {
  for (let each = error as SystemError | undefined, depth = 0; each && depth < 5; depth++) {
    const { code, hostname } = each
    if (typeof code === 'string') {
      return { code, ...(typeof hostname === 'string' && { hostname }) }
    }
    // A host with several addresses has an error for each.
    each = (each.errors?.[0] ?? each.cause) as SystemError | undefined
  }
  return {}
}
