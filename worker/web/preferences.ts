// A browser may forbid a page to keep anything; then these are not kept.

/** Keeps a small choice of the person's, for the next visit. */
export function prefer(name: string, value: string): void {
  try {
    localStorage.setItem(`bot.${name}`, value)
  } catch {}
}

/** What was kept by {@link prefer}. */
export function preferred(name: string): string | undefined {
  try {
    return localStorage.getItem(`bot.${name}`) ?? undefined
  } catch {
    return undefined
  }
}
