import type { Command } from 'commander'
import { type ConnectionOptions, readConnection, withConnectionOptions } from '../connection.ts'
import { checkBot } from '../doctor/check-bot.ts'
import { checkConfiguration } from '../doctor/check-configuration.ts'
import type { Check } from '../doctor/check.ts'
import { readWranglerConfig, type WranglerConfigOptions } from '../doctor/wrangler-config.ts'
import { CliError, EXIT } from '../errors.ts'
import { type CommandIo, printJson, printLines } from '../io.ts'
import { escapeControls, formatCount } from '../text.ts'

interface DoctorOptions extends ConnectionOptions, WranglerConfigOptions {
  readonly json?: true
}

/** Adds `botshelf doctor`. */
export function addDoctorCommand(program: Command, io: CommandIo): void {
  withConnectionOptions(program.command('doctor'), 'also check the bot at this URL')
    .description('check a wrangler configuration and a deployed bot, and say what to change')
    .option('--config <file>', 'default: wrangler.json, .jsonc or .toml in the working directory')
    .option('--env <name>', 'an environment of the configuration')
    .option('--json', 'print the checks as JSON')
    .addHelpText(
      'after',
      `
Without --url it checks only the configuration, also if $BOTSHELF_URL is set. It changes nothing.
It cannot see secrets: npx wrangler secret list prints their names.
The exit code is ${EXIT.problem} if there is a problem, and 0 with warnings only.

Examples:
  $ botshelf doctor
  $ botshelf doctor --config wrangler.jsonc --env staging
  $ botshelf doctor --url https://bot.example.com`,
    )
    .action((options: DoctorOptions) => runDoctor(options, io))
}

async function runDoctor(options: DoctorOptions, io: CommandIo): Promise<void> {
  const config = await readWranglerConfig(options)
  if (config === undefined && options.url === undefined) {
    throw new CliError(
      EXIT.notFound,
      'There is no wrangler.json, wrangler.jsonc or wrangler.toml here. Name one with --config, or a bot with --url.',
    )
  }
  const ofConfig = config === undefined ? [] : await checkConfiguration(config)
  const ofBot = options.url === undefined ? [] : await checkBot(await readConnection(options, io))
  const checks = [...ofConfig, ...ofBot]
  const problems = checks.filter(({ level }) => level === 'problem').length
  const warnings = checks.filter(({ level }) => level === 'warning').length
  if (options.json) await printJson(io, { problems, warnings, checks })
  else await printLines(io, checks.flatMap(formatCheck).map(escapeControls))
  if (problems === 0) return
  throw new CliError(EXIT.problem, `Found ${formatCount(problems, 'problem')}.`)
}

const INDENT = ' '.repeat(9)

function formatCheck({ level, message, advice, lines }: Check): readonly string[] {
  return [
    `${level.padEnd(8)} ${message}`,
    ...(advice === undefined ? [] : [`${INDENT}${advice}`]),
    ...(lines === undefined ? [] : ['', ...lines.split('\n').map((line) => INDENT + line), '']),
  ]
}
