import { inspect } from 'node:util'
import { isStoreError } from '../../src/index.ts'
import { keysOf, type FuzzOperation } from './operations.ts'
import type { IssuedOperation } from './run-case.ts'

export function errorOf({ settlement }: IssuedOperation): unknown {
  return settlement !== undefined && 'error' in settlement ? settlement.error : undefined
}

export function resultOf({ settlement }: IssuedOperation): unknown {
  return settlement !== undefined && 'result' in settlement ? settlement.result : undefined
}

export function codeOf(one: IssuedOperation): string | undefined {
  const error = errorOf(one)
  if (error === one.ownError) return 'own'
  return isStoreError(error) ? error.code : undefined
}

export function name({ id, op }: IssuedOperation): string {
  return `${id} ${describe(op)}`
}

function describe(op: FuzzOperation): string {
  return `${op.kind} ${JSON.stringify(keysOf(op))}`
}

export function show(shown: IssuedOperation): string {
  const error = errorOf(shown)
  return error === undefined ? inspect(resultOf(shown)) : messageOf(error)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : inspect(error)
}
