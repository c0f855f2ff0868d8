// How many cases a suite ran, as one line of output: `botshelf-figures {"engine":"Memory",…}`. A line
// reaches the output of Vitest from Node, workerd and a page alike, so a report can collect it there.

/** What a suite ran, and what became of it. Counts that do not apply are absent. */
export interface Figures {
  /** The backend and where it ran, such as `IndexedDB, Chromium`. */
  readonly engine: string
  /** The name of the suite, such as `model`. */
  readonly suite: string
  /** How many cases ran. */
  readonly cases: number
  /** How many calls of stores these cases made. */
  readonly calls?: number
  /** How many faults were injected. */
  readonly faults?: number
  /** How many processes were killed. */
  readonly kills?: number
  /** How many writes were acknowledged. */
  readonly acknowledged?: number
  /** How many acknowledged writes were lost. */
  readonly lost?: number
  /** How many groups were stored in part. */
  readonly torn?: number
  /** How many writes had an unknown outcome. */
  readonly unknown?: number
  /** How many searches of histories ended undecided, at their limit. */
  readonly undecided?: number
  /** The seed that repeats the cases. */
  readonly seed?: number
}

/** What a line of figures begins with; JSON follows. */
export const FIGURES_PREFIX = 'botshelf-figures '

/** Prints the figures of a suite. Call it after the last case. */
export function reportFigures(figures: Figures): void {
  console.log(FIGURES_PREFIX + JSON.stringify(figures))
}
