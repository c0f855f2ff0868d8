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
  return command
    .addOption(new Option('--url <url>', 'the URL of the bot').env('BOTSHELF_URL'))
    .option('--token-file <file>', 'a file with the admin token; default: $BOTSHELF_TOKEN')
    .option('--storage <name>', "one of the bot's storages; default: the one that it uses")
    .option('--base-path <path>', 'the path of the admin API', '/admin')
}

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
  const url = checkUrl(options.url)
  const basePath = options.basePath ?? '/admin'
  if (!/^(?:\/.*[^/])?$/.test(basePath)) {
    throw new CliError(
      EXIT.usage,
      `--base-path must begin with "/" and not end with one, such as /admin; received ${JSON.stringify(basePath)}.`,
    )
  }
  const token = await readToken(options.tokenFile, env, tokenVariables)
  return { url, token, storage: options.storage, basePath }
}

function checkUrl(given: string | undefined): string {
  if (given === undefined) {
    throw new CliError(
      EXIT.usage,
      'Name the bot: --url https://bot.example.com, or set BOTSHELF_URL.',
    )
  }
  if (!URL.canParse(given) || !/^https?:/i.test(given)) {
    throw new CliError(
      EXIT.usage,
      `--url must be a URL of http or https, such as https://bot.example.com; received ${JSON.stringify(given)}.`,
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
