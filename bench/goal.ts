/** Compares with the peer that has the lowest median. */
export const BEST_PEER = 'best peer'

/** What a candidate must achieve in a workload. Every run checks it. */
export interface Goal {
  readonly workload: string
  readonly candidate: string
  readonly limit: Limit
  /** What was measured to take the time or the bytes. The report shows it while the goal is missed. */
  readonly reason?: string
}

export type Limit =
  /** Takes at most `max` times as long as the candidate `against`. */
  | { readonly kind: 'ratio'; readonly against: string; readonly max: number }
  /** Is at least `min` times as fast as the candidate `against`. */
  | { readonly kind: 'faster'; readonly against: string; readonly min: number }
  /** Takes at most `max` microseconds. */
  | { readonly kind: 'time'; readonly max: number }
  /** Makes at most `max` calls to the platform; for a task with clients, each of them does. */
  | { readonly kind: 'calls'; readonly max: number }
  /** Takes at most `max` bytes. */
  | { readonly kind: 'bytes'; readonly max: number }
  /** Loses no update, or rejects none with `CONFLICT`. */
  | { readonly kind: 'lost' | 'conflicts'; readonly max: 0 }

export function atMost(max: number, against: string): Limit {
  return { kind: 'ratio', against, max }
}

export function fasterThan(min: number, against: string): Limit {
  return { kind: 'faster', against, min }
}

export function atMostMicroseconds(max: number): Limit {
  return { kind: 'time', max }
}

export function atMostCalls(max: number): Limit {
  return { kind: 'calls', max }
}

export function atMostBytes(max: number): Limit {
  return { kind: 'bytes', max }
}
