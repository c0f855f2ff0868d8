/** The result that a browser sends when it has run the suite. */
export interface Report {
  readonly userAgent: string
  readonly rows: readonly Row[]
}

/** The counts of one plugin. */
export interface Row {
  readonly plugin: string
  readonly cases: number
  readonly passed: number
  readonly exempt: number
  readonly failures: readonly string[]
}
