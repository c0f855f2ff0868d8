/** The result of a check. */
export interface Check {
  readonly level: 'ok' | 'warning' | 'problem'
  /** What was found, in a sentence. */
  readonly message: string
  /** What to do, in a sentence; absent if nothing is to do. */
  readonly advice?: string | undefined
  /** The lines to put into the configuration, in its format. */
  readonly lines?: string | undefined
}
