import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../packages/cli/src/holdfast.test-support.ts'

/** docs/agents.md as its reader would do it: the example lies in a directory of its own, outside this repository. */
const root = join(import.meta.dirname, '..')
let outside = ''
beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'holdfast-example-'))
  await cp(join(root, 'examples/unit-clerk/unit-clerk.ts'), join(outside, 'unit-clerk.ts'))
  // What `npm install <path of packages/server>` makes.
  await mkdir(join(outside, 'node_modules/@holdfast'), { recursive: true })
  await symlink(join(root, 'packages/server'), join(outside, 'node_modules/@holdfast/server'))
})
afterAll(() => rm(outside, { recursive: true, force: true }))

const ask = (question: string, ...args: readonly string[]) =>
  run(['ask', question, '--data-dir', join(outside, 'data'), ...args], {
    env: { HOLDFAST_AGENTS: join(outside, 'unit-clerk.ts') },
  })

test('the example adds an agent and a tool, and both answer', { timeout: 300_000 }, async () => {
  const { code, stdout, stderr } = await ask('How far is 26.2 miles in km?', '--agent', 'unit-clerk')
  expect(stderr).toContain('convert_length')
  expect({ code, stdout }).toEqual({ code: 0, stdout: '26.2 mile is 42.165 km.\n' })
})

test('a module that cannot be read, or that holds nothing, stops the boot and is named', {
  timeout: 300_000,
}, async () => {
  const empty = join(outside, 'empty.ts')
  await writeFile(empty, 'export const nothing = 1\n')
  for (const [path, why] of [
    [empty, 'exports neither'],
    [join(outside, 'none.ts'), 'cannot be read'],
  ] as const) {
    const { code, stderr } = await run(['ask', 'x', '--data-dir', join(outside, 'other')], {
      env: { HOLDFAST_AGENTS: path },
    })
    expect(code).toBe(78)
    expect(stderr).toContain(why)
  }
})

test('the example is short, and docs/agents.md names it', async () => {
  const example = await readFile(join(root, 'examples/unit-clerk/unit-clerk.ts'), 'utf8')
  expect(example.split('\n').length).toBeLessThan(50)
  expect(await readFile(join(root, 'docs/agents.md'), 'utf8')).toContain('examples/unit-clerk/unit-clerk.ts')
})
