/** What a browser says of the suite. */
export interface Report {
  readonly userAgent: string
  readonly rows: readonly Row[]
}

export interface Row {
  readonly plugin: string
  readonly cases: number
  readonly passed: number
  readonly exempt: number
  readonly failures: readonly string[]
}
