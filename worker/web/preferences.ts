// `localStorage` throws where the browser blocks site data. A preference is then lost with the page.

/** Saves a choice of the user for the next time the page is loaded. */
export function savePreference(name: string, value: string): void {
  try {
    localStorage.setItem(`bot.${name}`, value)
  } catch {}
}

/** Loads what {@link savePreference} saved; `undefined` if there is nothing. */
export function loadPreference(name: string): string | undefined {
  try {
    return localStorage.getItem(`bot.${name}`) ?? undefined
  } catch {
    return undefined
  }
}
