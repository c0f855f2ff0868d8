import { readFile } from 'node:fs/promises'
import type { Check } from './check.ts'
import { bindingOf, checkObjects } from './check-object.ts'
import { checkStorage } from './check-storage.ts'
import {
  asStrings,
  asTable,
  asTables,
  describeName,
  formatLines,
  resolveFile,
  type WranglerConfig,
} from './wrangler-config.ts'

/** The first date of Cloudflare's runtime at which a Worker can call the methods of an object. */
const RPC_DATE = '2024-04-03'

/** Checks a configuration of wrangler: what botshelf needs of it, and nothing else. */
export async function checkConfiguration(config: WranglerConfig): Promise<readonly Check[]> {
  const main = await readMain(config)
  const today = new Date().toISOString().slice(0, 10)
  return [
    checkDate(config, today),
    await checkStorage(config, main),
    ...checkObjects(config, main),
    ...checkKVNamespaces(config),
    ...checkSecrets(config),
  ]
}

/** Checks that the date of the configuration is late enough. */
function checkDate(config: WranglerConfig, today: string): Check {
  const { compatibility_date: date, compatibility_flags: flags } = config.settings
  const current = formatLines(config, `compatibility_date = "2026-10-01"`)
  if (date === undefined) {
    // In TOML a setting after a table belongs to the table.
    const isInVars = 'compatibility_date' in asTable(config.settings['vars'])
    const advice = isInVars ? 'It is under vars. Move it above the first table:' : 'Add:'
    return { level: 'problem', message: 'compatibility_date is missing.', advice, lines: current }
  }
  if (typeof date !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(date)) {
    const message = 'compatibility_date must be a date as a string.'
    return { level: 'problem', message, advice: 'Such as:', lines: current }
  }
  if (date > today) {
    return {
      level: 'problem',
      message: `compatibility_date is ${date}, a date in the future, which Cloudflare refuses.`,
      advice: `Use today's date or an earlier one.`,
    }
  }
  if (date >= RPC_DATE || asStrings(flags).includes('rpc')) {
    return { level: 'ok', message: `compatibility_date is ${date}.` }
  }
  return {
    level: hasObjects(config) ? 'problem' : 'warning',
    message: `compatibility_date is ${date}; before ${RPC_DATE} a Worker cannot call its Durable Objects.`,
    advice: 'Use the date with which botshelf is tested:',
    lines: current,
  }
}

function hasObjects({ settings }: WranglerConfig): boolean {
  return asTables(asTable(settings['durable_objects'])['bindings']).length > 0
}

async function readMain(config: WranglerConfig): Promise<string | undefined> {
  const { main } = config.settings
  if (typeof main !== 'string') return undefined
  try {
    return await readFile(resolveFile(config, main), 'utf8')
  } catch {
    return undefined
  }
}

function checkKVNamespaces({ settings }: WranglerConfig): readonly Check[] {
  const vars = asTable(settings['vars'])
  const used = vars['STORAGE'] === 'CloudflareKV' ? bindingOf(vars['STORAGE_CONFIG']) : undefined
  return asTables(settings['kv_namespaces']).map(({ binding, id }) => {
    const name = describeName(binding)
    if (id === undefined) {
      return { level: 'ok', message: `wrangler creates the KV namespace ${name} when it deploys.` }
    }
    // An id is 32 hexadecimal digits; a placeholder often repeats one.
    if (typeof id === 'string' && /^(?!(.)\1+$)[\da-f]{32}$/i.test(id)) {
      return { level: 'ok', message: `The KV namespace ${name} has an id.` }
    }
    return {
      level: name === used ? 'problem' : 'warning',
      message: `The id of the KV namespace ${name} is a placeholder, which works only with wrangler dev.`,
      advice: 'Before the first deploy, put the id here that this command prints:',
      lines: `npx wrangler kv namespace create ${name}`,
    }
  })
}

function checkSecrets({ settings }: WranglerConfig): readonly Check[] {
  const names = Object.entries(asTable(settings['vars']))
    .filter(([name, value]) => isSecretName(name) && typeof value === 'string' && value !== '')
    .map(([name]) => name)
  if (names.length === 0) {
    const message = 'No secret is in vars; npx wrangler secret list prints those that are set.'
    return [{ level: 'ok', message }]
  }
  return names.map((name) => ({
    level: name === 'ADMIN_TOKEN' ? 'problem' : 'warning',
    message: `${name} is in vars, where everyone who reads this file has it.`,
    advice: 'Choose another value, remove it here, and store it as a secret:',
    lines: `npx wrangler secret put ${name}`,
  }))
}

function isSecretName(name: string): boolean {
  return /(?:^|_)(?:TOKEN|SECRET|PASSWORD|API_KEY)$/.test(name)
}
