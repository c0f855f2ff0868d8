import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const FOLDER = new URL('../../.github/workflows/', import.meta.url)
const WORKFLOWS = readdirSync(FOLDER).map((name) => ({
  name,
  text: readFileSync(new URL(name, FOLDER), 'utf8'),
}))

/** An action by the full hash of its commit, with its version for the reader. */
const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/

/** Returns the actions of a workflow that can change without a commit of this repository. */
function findUnpinned(workflow: string): string[] {
  return [...workflow.matchAll(/^[\s-]*['"]?uses['"]?\s*:\s*(.*?)\s*$/gm)]
    .map(([, action = '']) => action)
    .filter((action) => !PINNED.test(action) && !action.startsWith('./'))
}

/** What a job of a workflow may do besides reading the repository. */
const JOB_PERMISSIONS: Readonly<Record<string, readonly string[]>> = {
  // Creates a release, and proves to npm which workflow publishes.
  'release.yml': ['    permissions:', '      contents: write', '      id-token: write'],
}

/** Returns the permissions of a workflow other than reading its repository. */
function findPermissions(workflow: string): string[] {
  const lines = workflow.match(/^.*\b(?:permissions\b.*|[\w-]+: *(?:write|read)(?:-all)?\b.*)$/gm)
  const allowed = ['permissions:', '  contents: read']
  return (lines ?? []).filter((line) => !allowed.includes(line))
}

describe('a workflow', () => {
  test.each(WORKFLOWS)('$name pins each action to the hash of a commit', ({ text }) => {
    expect(text).toContain('uses:')
    expect(findUnpinned(text)).toEqual([])
  })

  test.each(WORKFLOWS)(
    '$name may only read the repository, but for a release',
    ({ name, text }) => {
      expect(text).toMatch(/^permissions:\n {2}contents: read\n\w/m)
      expect(findPermissions(text)).toEqual(JOB_PERMISSIONS[name] ?? [])
    },
  )

  test.each(WORKFLOWS)('$name leaves no credentials in the checkout', ({ text }) => {
    const count = (part: string): number => text.split(part).length - 1
    expect(count('persist-credentials: false')).toBe(count('actions/checkout@'))
  })
})

describe('the check of workflows', () => {
  const HASH = '11bd71901bbe5b1630ceea73d27597364c9af683'

  test.each([
    'actions/checkout@v4',
    'actions/checkout@main # v4.2.2',
    'actions/checkout',
    `actions/checkout@${HASH.slice(0, 12)} # v4.2.2`,
    `actions/checkout@${HASH}`,
    'docker://node:24',
  ])('finds the action %s, which is not pinned', (action) => {
    const workflow = `jobs:\n  a:\n    steps:\n      - uses: ${action}\n`
    expect(findUnpinned(workflow)).toEqual([action])
    expect(findUnpinned(workflow.replace('- uses', '- name: x\n        uses'))).toEqual([action])
  })

  test.each(['permissions: write-all', '  contents: write', '      id-token: write'])(
    'finds the permission %j',
    (line) => {
      expect(findPermissions(`permissions:\n  contents: read\n${line}\n`)).toEqual([line])
    },
  )
})
