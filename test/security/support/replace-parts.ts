import * as fc from 'fast-check'

type Path = readonly PropertyKey[]

/** Lists the paths of a value and of all its parts. */
function pathsOf(part: unknown, path: Path = []): Path[] {
  if (typeof part !== 'object' || part === null) return [path]
  return [path, ...Object.entries(part).flatMap(([name, item]) => pathsOf(item, [...path, name]))]
}

/** Returns a copy of a value with another part at a path. */
function replaceAt(part: unknown, [name, ...rest]: Path, item: unknown): unknown {
  if (name === undefined) return item
  const copy: object = Array.isArray(part) ? [...(part as unknown[])] : { ...Object(part) }
  return Object.assign(copy, { [name]: replaceAt(Reflect.get(copy, name), rest, item) })
}

/** Creates copies of values, each with one or two parts replaced. */
export function withReplacedParts(
  values: fc.Arbitrary<unknown>,
  parts: fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const replaced = fc.array(fc.tuple(fc.nat(), parts), { minLength: 1, maxLength: 2 })
  return fc.tuple(values, replaced).map(([value, replacements]) => {
    let result = value
    for (const [at, part] of replacements) {
      const paths = pathsOf(result)
      result = replaceAt(result, paths[at % paths.length] ?? [], part)
    }
    return result
  })
}
