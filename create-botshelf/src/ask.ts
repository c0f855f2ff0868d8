import type { Readable, Writable } from 'node:stream'
import { isCancel, select, text } from '@clack/prompts'
import type { Arguments } from './arguments.ts'
import { type Choices, DEFAULTS, type Framework, type Template } from './choices.ts'
import { checkFolder } from './project.ts'

interface Terminal {
  readonly input?: Readable
  readonly output?: Writable
}

/** Asks for what the arguments leave open. Resolves to `undefined` if the user cancels. */
export async function ask(given: Arguments, terminal: Terminal = {}): Promise<Choices | undefined> {
  const folder = given.folder ?? (await askFolder(terminal))
  if (isCancel(folder)) return undefined
  checkFolder(folder)
  // Only a Worker can have a framework.
  const template = given.template ?? (given.framework ? 'worker' : await askTemplate(terminal))
  if (isCancel(template)) return undefined
  if (template === 'page') return { folder, template, framework: 'none' }
  const framework = given.framework ?? (await askFramework(terminal))
  return isCancel(framework) ? undefined : { folder, template, framework }
}

function askFolder(terminal: Terminal) {
  return text({
    ...terminal,
    message: 'In which folder?',
    placeholder: DEFAULTS.folder,
    defaultValue: DEFAULTS.folder,
    validate(folder) {
      try {
        checkFolder(folder || DEFAULTS.folder)
        return undefined
      } catch (error) {
        return (error as Error).message
      }
    },
  })
}

function askTemplate(terminal: Terminal) {
  return select<Template>({
    ...terminal,
    message: 'Where does the bot run?',
    options: [
      { value: 'worker', label: 'In a Cloudflare Worker', hint: 'data in Durable Objects' },
      { value: 'page', label: 'In a page', hint: 'data in IndexedDB' },
    ],
  })
}

function askFramework(terminal: Terminal) {
  return select<Framework>({
    ...terminal,
    message: 'With which framework?',
    options: [
      { value: 'none', label: 'None' },
      { value: 'grammy', label: 'grammY', hint: 'Telegram' },
      { value: 'chat-sdk', label: 'Chat SDK', hint: 'Slack, Discord, Teams and others' },
    ],
  })
}
