import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { AdminAccess } from '../src/admin/client.ts'
import { CliError, EXIT } from './errors.ts'
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
export function withConnectionOptions(command: Command): Command {
  const options = [
    new Option('--url <url>', 'the URL of the bot; default: $BOTSHELF_URL'),
    new Option('--token-file <file>', 'a file with the admin token; default: $BOTSHELF_TOKEN'),
    new Option('--storage <name>', "one of the bot's storages; default: the one that it uses"),
    new Option('--base-path <path>', 'the path of the admin API').default('/admin'),
  ]
  for (const option of options) command.addOption(option.helpGroup('Where:'))
  return command
}

const URL_VARIABLE = 'BOTSHELF_URL'
/** The variable that has the admin token. */
export const TOKEN_VARIABLE = 'BOTSHELF_TOKEN'

/**
 * Checks the options of a connection and reads the token.
 *
 * @param tokenVariables the variables that may have the token, first match first
 * @throws CliError with the exit code of wrong arguments or of a missing token
 */
export async function readConnection(
  options: ConnectionOptions,
  { env }: Pick<CommandIo, 'env'>,
  tokenVariables: readonly string[] = [TOKEN_VARIABLE],
): Promise<BotConnection> {
  // An empty variable counts as absent.
  const url = checkUrl(options.url ?? (env[URL_VARIABLE] || undefined))
  const basePath = options.basePath ?? '/admin'
  if (!/^(?:\/.*[^/])?$/.test(basePath)) {
    throw new CliError(
      EXIT.usage,
      `--base-path must begin with "/" and not end with one, such as /admin; received ${JSON.stringify(basePath)}.`,
    )
  }
  if (options.storage === '') {
    throw new CliError(
      EXIT.usage,
      '--storage must be a name; without it, the bot uses its own default.',
    )
  }
  const token = await readToken(options.tokenFile, env, tokenVariables)
  return { url, token, storage: options.storage, basePath }
}

function checkUrl(given: string | undefined): string {
  if (given === undefined) {
    throw new CliError(
      EXIT.usage,
      `Name the bot: --url https://bot.example.com, or set ${URL_VARIABLE}.`,
    )
  }
  if (!URL.canParse(given) || !/^https?:/i.test(given)) {
    throw new CliError(
      EXIT.usage,
      `--url must be a URL of http or https, such as https://bot.example.com; received ${JSON.stringify(withoutSecrets(given))}.`,
    )
  }
  const url = new URL(given)
  if (url.hash !== '' || url.username !== '' || url.password !== '' || url.search !== '') {
    throw new CliError(
      EXIT.usage,
      `--url must not have a token, a password or a query, because other users of this machine can see arguments: put the token into ${TOKEN_VARIABLE} or a file (--token-file), and give only ${url.origin}${url.pathname}.`,
    )
  }
  // Paths are relative to the URL.
  return url.href.endsWith('/') ? url.href : `${url.href}/`
}

/** Removes what may be a token or a password from text that may be no URL. */
function withoutSecrets(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/^(.*:\/\/|)[^/]*@/, '$1')
}

async function readToken(
  file: string | undefined,
  env: CommandIo['env'],
  variables: readonly string[],
): Promise<string> {
  const [variable = TOKEN_VARIABLE] = variables
  if (file === undefined) {
    const token = variables.map((name) => env[name]?.trim()).find(Boolean)
    if (token) return token
    throw new CliError(
      EXIT.unauthorized,
      `The admin token is missing: set ${variable}, or name a file that has it with --token-file.`,
    )
  }
  let token: string
  try {
    token = (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw new CliError(EXIT.notFound, `The token file ${file} cannot be read.`, { cause })
  }
  if (token !== '') return token
  throw new CliError(EXIT.unauthorized, `The token file ${file} is empty.`)
}
