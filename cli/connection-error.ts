import type { AdminError } from '../src/admin/client.ts'

/** Explains why there was no response: DNS, a refused connection, TLS, a proxy or a time limit. */
export function explainConnectionError(error: AdminError): string {
  const { code = '', text, hostname } = findReason(error.cause)
  const { message } = error
  const scheme = message.includes('https://') ? 'HTTPS' : 'HTTP'
  if (text.startsWith('Proxy response')) return `${message} The proxy refused it: ${text}.`
  // The error has a code only if the reason is known.
  if (/HTTP\/1\.1 protocol/.test(text) || code.startsWith('HPE_')) {
    return `${message} The answer is not HTTP. Check the port, and whether the URL needs https://.`
  }
  switch (code) {
    case '':
      // A time limit has no code, and its message says it.
      if (text !== 'bad port') return message
      return `${message} fetch() never connects to this port, which belongs to another protocol. Let the bot listen on another port.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${message} DNS has no address for ${hostname ?? 'this host'}. Check the spelling and the network.`
    case 'ECONNREFUSED':
      return `${message} The connection was refused: nothing listens on this port. Check the port, and start the bot.`
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return `${message} The connection was closed before there was an answer. Check whether the port speaks ${scheme}, and whether the bot crashed.`
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return `${message} The host did not accept a connection (${code}). Check the network, or set HTTPS_PROXY.`
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return `${message} The port does not speak TLS (${code}). Use http:// if the bot has no certificate, or check the port.`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `${message} The certificate is for another host (${code}). Use the host name that the certificate has.`
    case 'CERT_HAS_EXPIRED':
      return `${message} The certificate has expired (${code}). Renew it, or check the clock of this machine.`
    default:
      if (/^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)) {
        return `${message} The certificate is not trusted (${code}). If it is your own, name its authority in NODE_EXTRA_CA_CERTS=ca.pem.`
      }
      if (/^(?:ERR_TLS|ERR_SSL)/.test(code)) {
        return `${message} The TLS connection failed (${code}). Check the certificate, and whether the port speaks HTTPS.`
      }
      return `${message} (${code})`
  }
}

interface SystemError {
  readonly code?: unknown
  readonly hostname?: unknown
  readonly message?: unknown
  readonly cause?: unknown
  readonly errors?: readonly unknown[]
}

/** Finds the error of the system, which fetch() wraps. */
function findReason(error: unknown): { code?: string; text: string; hostname?: string } {
  let text = ''
  for (let each = error as SystemError | undefined, depth = 0; each && depth < 5; depth++) {
    const { code, hostname, message } = each
    if (typeof message === 'string') text = message
    if (typeof code === 'string') {
      return { code, text, ...(typeof hostname === 'string' && { hostname }) }
    }
    // A host with several addresses has an error for each.
    each = (each.errors?.[0] ?? each.cause) as SystemError | undefined
  }
  return { text }
}
