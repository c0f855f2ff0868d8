import type { CallRecord } from './call-record.ts'
import { type KeyEffect, type KeyState, textOfValue, toKeyState } from './key-effect.ts'
import { setsExpiry } from './record-attempts.ts'

/** The choices of `update` and `mutable`: its last run if it resolved, otherwise one of its runs. */
export function updateEffects(
  { method, args, attempts = [], result }: CallRecord,
  hasResult: boolean,
): KeyEffect[][] {
  const [initial, options] = method === 'mutable' ? args.slice(2) : [undefined, args[2]]
  return (hasResult ? attempts.slice(-1) : attempts).map(({ reads, writes }) => {
    const { key = '', value } = reads[0] ?? {}
    const text = textOfValue(value)
    // The resolved value is the stored one.
    const next = hasResult ? result : writes[0]?.value
    const isInitial = initial !== undefined && textOfValue(initial) === text
    return [
      {
        key,
        text: `update ${text} ${textOfValue(next)} ${JSON.stringify(options)}`,
        needs: isInitial ? undefined : text,
        makes: [textOfValue(next)],
        usesValue: isInitial,
        changesExpiry: setsExpiry(options),
        apply: (state) => {
          const isRead = (state?.text ?? '') === text || (isInitial && state === undefined)
          return isRead && nextState(next, options, state)
        },
      },
    ]
  })
}

/** Returns the state after a step: without options a key keeps its expiry. */
function nextState(
  value: unknown,
  options: unknown,
  state: KeyState | undefined,
): KeyState | undefined {
  if (value === undefined) return undefined
  const { ttl, expires, onInsert } = (options ?? {}) as Record<string, unknown>
  const isGiven = ttl !== undefined || expires !== undefined
  const isKept = !isGiven || (onInsert === true && state !== undefined)
  return toKeyState(value, isKept ? (state?.expires ?? false) : setsExpiry(options))
}

/** The effect of `insert`, `getOrInsert`, `increment`, `append`, `touch` or `pop`. */
export function stepEffect(
  { method, keys, args, result }: CallRecord,
  hasResult: boolean,
): KeyEffect {
  const [key = ''] = keys
  const [, argument, options] = args
  const text = `${method} ${JSON.stringify(options)} ${textOfValue(argument)} ${hasResult ? `= ${textOfValue(result)}` : ''}`
  const isResult = (value: unknown): boolean =>
    !hasResult || textOfValue(value) === textOfValue(result)
  const effect = (
    apply: KeyEffect['apply'],
    { needs, makes }: { readonly needs?: string; readonly makes?: readonly string[] },
  ): KeyEffect => {
    const changesExpiry = method === 'touch' ? result !== false : setsExpiry(options)
    const usesValue = needs === undefined && !['insert', 'touch', 'pop'].includes(method)
    return { key, text, needs, makes, usesValue, changesExpiry, apply }
  }
  switch (method) {
    case 'insert':
      return effect(
        (state) => {
          if (!isResult(state === undefined)) return false
          return state ?? nextState(argument, options, state)
        },
        result === false ? { makes: [] } : { makes: [textOfValue(argument)] },
      )
    case 'getOrInsert':
      return effect(
        (state) => {
          const value = state ? state.value : argument
          return isResult(value) && nextState(value, options, state)
        },
        isResult(argument)
          ? { makes: [textOfValue(argument)] }
          : { needs: textOfValue(result), makes: [] },
      )
    case 'increment':
      return effect(
        (state) => {
          const current = state ? state.value : 0
          const sum = (current as number) + ((argument as number | undefined) ?? 1)
          return typeof current === 'number' && isResult(sum) && nextState(sum, options, state)
        },
        hasResult ? { makes: [textOfValue(result)] } : {},
      )
    case 'append':
      return effect((state) => {
        const current = state ? state.value : []
        if (!Array.isArray(current)) return false
        const { max = 0 } = (options ?? {}) as { readonly max?: number }
        const list = (current as unknown[]).concat([argument]).slice(-max)
        return isResult(list.length) && nextState(list, options, state)
      }, {})
    case 'touch':
      return effect(
        (state) => {
          if (!isResult(state !== undefined)) return false
          return state && nextState(state.value, argument, state)
        },
        { makes: [] },
      )
    default:
      // pop
      return effect(
        (state) => isResult(state?.value) && undefined,
        hasResult
          ? { needs: textOfValue(result), makes: result === undefined ? [] : [''] }
          : { makes: [''] },
      )
  }
}
