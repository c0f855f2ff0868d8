import type { ChildProcess } from 'node:child_process'
import process from 'node:process'

/** Kills a process that was started with `detached`, and all that it has started. */
export function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has already exited.
  }
}
