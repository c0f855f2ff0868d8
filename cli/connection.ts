import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { AdminAccess } from '../src/admin/client.ts'
import { CliError, createReadError, EXIT } from './errors.ts'
import type { CommandIo } from './io.ts'

/** The options of every command that calls a bot. */
export interface ConnectionOptions {
  readonly url?: string | undefined
  readonly storage?: string | undefined
  readonly basePath?: string | undefined
  readonly tokenFile?: string | undefined
}

/** A storage of a running bot, as `remoteTarget` takes it. */
export interface BotConnection extends AdminAccess {
  readonly token: string
  readonly storage: string | undefined
  readonly basePath: string
}

/** Adds the options of {@link ConnectionOptions} to a command. */
export function withConnectionOptions(
  command: Command,
  urlHelp = 'the URL of the bot; default: $BOTSHELF_URL',
): Command {
  const options = [
    new Option('--url <url>', urlHelp),
    new Option('--token-file <file>', 'a file with the admin token; default: $BOTSHELF_TOKEN'),
    new Option('--storage <name>', "one of the bot's storages; default: the one that it uses"),
    new Option('--base-path <path>', 'the path of the admin API').default('/admin'),
  ]
  for (const option of options) command.addOption(option.helpGroup('Where:'))
  return command
}

/** An end of a copy, whose options and variables begin with its name. */
export type CopyEnd = 'from' | 'to'

/**
 * Checks the options of a connection and reads the token.
 *
 * @param end the end of a copy; absent for the other commands
 * @throws CliError with the exit code of wrong arguments or of a missing token
 */
export async function readConnection(
  options: ConnectionOptions,
  { env }: Pick<CommandIo, 'env'>,
  end?: CopyEnd,
): Promise<BotConnection> {
  const flag = (name: string): string => (end === undefined ? `--${name}` : `--${end}-${name}`)
  // An empty variable counts as absent.
  const url = checkUrl(options.url ?? (env['BOTSHELF_URL'] || undefined), {
    urlFlag: end === undefined ? '--url' : `--${end}`,
    tokenFlag: flag('token-file'),
  })
  const basePath = options.basePath ?? '/admin'
  if (!/^(?:\/.*[^/])?$/.test(basePath)) {
    throw new CliError(
      EXIT.usage,
      `${flag('base-path')} must begin with "/" and not end with one, such as /admin; received ${JSON.stringify(basePath)}.`,
    )
  }
  if (options.storage === '') {
    throw new CliError(
      EXIT.usage,
      `${flag('storage')} must be a name; without it, the bot uses its own default.`,
    )
  }
  if (options.tokenFile !== undefined) {
    const token = await readTokenFile(options.tokenFile)
    return { url, token, storage: options.storage, basePath }
  }
  const variable = end === undefined ? 'BOTSHELF_TOKEN' : `BOTSHELF_${end.toUpperCase()}_TOKEN`
  const token = env[variable]?.trim() || env['BOTSHELF_TOKEN']?.trim()
  if (token) return { url, token, storage: options.storage, basePath }
  throw new CliError(
    EXIT.unauthorized,
    `The admin token is missing: set ${variable}, or name a file that has it with ${flag('token-file')}.`,
  )
}

interface UrlFlags {
  readonly urlFlag: string
  readonly tokenFlag: string
}

function checkUrl(given: string | undefined, { urlFlag, tokenFlag }: UrlFlags): string {
  if (given === undefined) {
    throw new CliError(
      EXIT.usage,
      'Name the bot: --url https://bot.example.com, or set BOTSHELF_URL.',
    )
  }
  if (!URL.canParse(given) || !/^https?:/i.test(given)) {
    throw new CliError(
      EXIT.usage,
      `${urlFlag} must be a URL of http or https, such as https://bot.example.com; received ${JSON.stringify(withoutSecrets(given))}.`,
    )
  }
  const url = new URL(given)
  if (url.hash !== '' || url.username !== '' || url.password !== '' || url.search !== '') {
    throw new CliError(
      EXIT.usage,
      `${urlFlag} must not have a token, a password or a query, because other users of this machine can see arguments: put the token into BOTSHELF_TOKEN or a file (${tokenFlag}), and give only ${url.origin}${url.pathname}.`,
    )
  }
  // Paths are relative to the URL.
  return url.href.endsWith('/') ? url.href : `${url.href}/`
}

/** Removes what may be a token or a password from text that may be no URL. */
function withoutSecrets(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/^(.*:\/\/|)[^/]*@/, '$1')
}

async function readTokenFile(file: string): Promise<string> {
  let token: string
  try {
    token = (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw createReadError(file, cause)
  }
  if (token !== '') return token
  throw new CliError(EXIT.unauthorized, `The token file ${file} is empty. Write the token to it.`)
}
