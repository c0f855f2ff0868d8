import type { StateStorage } from 'zustand/middleware'

const items = new Map<string, string>()

/** What `localStorage` does for the pages of an origin, where there is no page. */
const standIn: StateStorage = {
  getItem: (name) => items.get(name) ?? null,
  setItem: (name, value) => items.set(name, value),
  removeItem: (name) => items.delete(name),
}

export function getLocalStorage(): StateStorage {
  const page = globalThis as { document?: object; localStorage?: StateStorage }
  return (page.document && page.localStorage) ?? standIn
}
