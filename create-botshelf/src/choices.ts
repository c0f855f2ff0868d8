export const TEMPLATES = ['worker', 'page'] as const
export const FRAMEWORKS = ['none', 'grammy', 'chat-sdk'] as const

/** Where the bot runs. */
export type Template = (typeof TEMPLATES)[number]
/** The framework that the bot uses. Only a Worker can have one. */
export type Framework = (typeof FRAMEWORKS)[number]

/** What a project is made of. */
export interface Choices {
  /** The path of the project's folder. Its last part is the name of the project. */
  readonly folder: string
  readonly template: Template
  readonly framework: Framework
}

/** The choices of a user who makes none. */
export const DEFAULTS: Choices = { folder: 'my-bot', template: 'worker', framework: 'none' }

/** The exit code of wrong arguments. */
export const USAGE_EXIT_CODE = 2

/** A mistake in the arguments. The message is one sentence. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
