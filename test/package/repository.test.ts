import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from './support/run.ts'

const FORMS = '.github/ISSUE_TEMPLATE'
const MAX_AGENTS_LINES = 120

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

describe('AGENTS.md', () => {
  const text = read('AGENTS.md')

  test('names only files and folders that exist', () => {
    const paths = [
      ...[...text.matchAll(/`([\w.-]+\/[\w./-]*|[\w-]+\.(?:md|json|ts))`/g)].map(
        ([, path]) => path,
      ),
      ...[...text.matchAll(/vitest run ([\w/]+)/g)].map(([, path]) => path),
    ].filter((path) => path !== undefined)
    expect(paths.length).toBeGreaterThan(10)
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  test('names only projects of the tests that vitest.config.ts defines', () => {
    const named = [...text.matchAll(/^\| `x\.(?:(\w+)\.)?test\.ts` \| `(\w+)` \|/gm)]
    const projects = [...read('vitest.config.ts').matchAll(/^ +name: '(\w+)',$/gm)]
    expect(new Set(named.map(([, , project]) => project))).toEqual(
      new Set(projects.map(([, project]) => project)),
    )
    for (const [, suffix = 'node', project] of named) expect(project).toBe(suffix)
  })

  test('fits on a page: at most 120 lines', () => {
    expect(text.split('\n').length).toBeLessThanOrEqual(MAX_AGENTS_LINES)
  })
})

test('docs/releasing.md has three steps for a person, for both packages and the workflow that exists', () => {
  const text = read('docs/releasing.md')
  expect(text.match(/^## .*$/gm)?.map((heading) => heading.slice(0, 5))).toEqual([
    '## 1.',
    '## 2.',
    '## 3.',
  ])
  const { repository } = JSON.parse(read('package.json')) as { repository: { url: string } }
  const trusted = [...text.matchAll(/^npm trust github (\S+) --repository (\S+) --file (\S+) /gm)]
  expect(trusted.map(([, name]) => name)).toEqual(['botshelf', 'create-botshelf'])
  for (const [, , owner, file = ''] of trusted) {
    expect(repository.url).toBe(`git+https://github.com/${owner}.git`)
    expect(readdirSync(join(ROOT, '.github/workflows'))).toContain(file)
  }
})

describe('an issue form', () => {
  const forms = readdirSync(join(ROOT, FORMS)).filter((name) => name !== 'config.yml')

  test.each(forms)(
    '%s has a name, a description, and fields with a label and an id each',
    (name) => {
      const text = read(`${FORMS}/${name}`)
      expect(text).toMatch(/^name: .+\ndescription: .+\nlabels: \[\w+\]\nbody:\n/)
      const fields = text.split(/^ {2}- type: /m).slice(1)
      const questions = fields.filter((field) => !field.startsWith('markdown\n'))
      const ids = questions.map((field) => /^\w+\n {4}id: ([\w-]+)\n/.exec(field)?.[1])
      expect(ids).not.toContain(undefined)
      expect(new Set(ids).size).toBe(questions.length)
      for (const field of questions) {
        expect(field).toMatch(/^(?:textarea|input|dropdown|checkboxes)\n/)
        expect(field).toMatch(/^ {6}label: .+$/m)
      }
    },
  )

  test('a vulnerability is not reported in one', () => {
    const config = read(`${FORMS}/config.yml`)
    expect(config).toContain('blank_issues_enabled: false')
    expect(config).toContain('/security/advisories/new')
  })
})
