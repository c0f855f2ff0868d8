import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from './run.ts'

/** A fenced code block of a page. */
export interface CodeBlock {
  /** The page's path from the root folder. */
  readonly page: string
  /** The number of the line of its opening fence. */
  readonly line: number
  readonly language: string
  readonly code: string
}

/** The pages whose code blocks are checked. `docs/api.md` and `docs/reference` are generated. */
export async function findPages(): Promise<string[]> {
  const pages = ['README.md', 'AGENTS.md', 'CONTRIBUTING.md', 'examples/README.md']
  for await (const page of glob('docs/**/*.md', { cwd: ROOT })) {
    if (!/^docs\/(?:api\.md|reference\/)/.test(page)) pages.push(page)
  }
  return pages.toSorted()
}

export async function readCodeBlocks(page: string): Promise<CodeBlock[]> {
  const text = await readFile(join(ROOT, page), 'utf8')
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(({ index, 1: language, 2: code }) => ({
    page,
    line: text.slice(0, index).split('\n').length,
    language: language ?? '',
    code: code ?? '',
  }))
}

/** Returns the file that a block's first line names, such as `// page.ts`: then it is part of an example. */
export function fileNameOf({ code }: CodeBlock): string | undefined {
  return /^(?:\/\/|#|<!--) ([\w.-]+\.\w+)(?: -->)?\n/.exec(code)?.[1]
}

/** Returns the lines that a block prints according to its comments: `console.log(x) // first, then second`. */
export function expectedOutput({ code }: CodeBlock): string[] {
  return [...code.matchAll(/console\.log\(.*\) \/\/ (.+)$/gm)].flatMap(([, printed = '']) =>
    printed.split(', then '),
  )
}
