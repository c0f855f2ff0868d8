/** Compares by code unit: the same order everywhere, whatever language a browser speaks. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
