/** Puts another method in the place of one; what it returns puts the first one back. */
export function replace<T extends object, K extends keyof T>(
  target: T,
  name: K,
  by: (original: T[K]) => T[K],
): () => void {
  const original = target[name]
  target[name] = by(original)
  return () => {
    target[name] = original
  }
}
