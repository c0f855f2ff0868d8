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

/** Returns the jobs of a workflow by name. */
function jobsOf(workflow: string): ReadonlyMap<string, string> {
  const [, ...jobs] = (workflow.split(/^jobs:\n/m)[1] ?? '').split(/^ {2}(?=\w+:\n)/m)
  return new Map(jobs.map((job) => [job.split(':', 1)[0] ?? '', job]))
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

  test.each(WORKFLOWS)('$name runs only npm scripts that exist', ({ text }) => {
    const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
    const { scripts } = JSON.parse(manifest) as { scripts: object }
    const named = [...text.matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(([, name]) => name)
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named))
  })

  test.each(WORKFLOWS)('$name names no secret: npm trusts the workflow itself', ({ text }) => {
    expect(text).not.toMatch(/\bsecrets\b|NODE_AUTH_TOKEN|NPM_TOKEN|_authToken/)
  })
})

describe('release.yml', () => {
  const jobs = jobsOf(WORKFLOWS.find(({ name }) => name === 'release.yml')?.text ?? '')
  const packJob = jobs.get('pack') ?? ''
  const publishJob = jobs.get('publish') ?? ''

  test('packs what its tests passed on, and publishes only then', () => {
    const commands = [...packJob.matchAll(/^ {6}- run: (.+)$/gm)].map(([, command = '']) => command)
    const order = ['npm ci', 'release:notes', 'npm test', 'npm pack . ./create-botshelf'].map(
      (part) => commands.findIndex((command) => command.includes(part)),
    )
    expect(order).not.toContain(-1)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect([...jobs.keys()]).toEqual(['pack', 'publish'])
    expect(publishJob).toContain('\n    needs: pack\n')
  })

  test('gives the right to publish to the one job that runs no code of the repository', () => {
    expect(packJob).not.toContain('permissions:')
    expect(publishJob).toContain('\n      id-token: write\n')
    expect(publishJob).not.toMatch(/actions\/checkout|npm (?:ci|install|run|test|exec)|npx|node /)
  })

  test('publishes both packages with provenance, from a runner and an npm that npm trusts', () => {
    expect(publishJob).toContain('for name in botshelf create-botshelf; do')
    expect(publishJob).toMatch(/npm publish "\.\/release\/\$name-\$version\.tgz" --provenance/)
    expect(publishJob).toContain('runs-on: ubuntu-latest')
    // npm 11.5.1 or newer, by https://docs.npmjs.com/trusted-publishers.
    expect(publishJob).toContain('node-version: 24')
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
