/** Replaces a method of `target`. Returns the function that restores it. */
export function replaceMethod<T extends object, K extends keyof T>(
  target: T,
  name: K,
  wrap: (original: T[K]) => T[K],
): () => void {
  const original = target[name]
  target[name] = wrap(original)
  return () => {
    target[name] = original
  }
}
