import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { launcher, run, start, temporaryDirectory } from './holdfast.test-support.ts'

/** Makes this Node say that it is an older one, to the launcher only: the Node that it starts is told nothing. */
const pretend = (version: string): readonly string[] => [
  '--import',
  `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`,
]
const old = pretend('20.20.2')

test('on a new enough Node it is the command', async () => {
  expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
})

// What it imports must be there in the oldest Node that npm may run under: a name that is missing ends it before its
// first line, which a pretended version cannot show.
test('it starts on the Node under which npm runs, whatever that is', () => {
  const installed = process.env['npm_node_execpath'] ?? process.execPath
  const ended = spawnSync(installed, [launcher, '--version'], { encoding: 'utf8' })
  expect(ended).toMatchObject({ status: 0, stdout: `${manifest.version}\n`, stderr: '' })
})

describe('on an older Node', () => {
  // One directory for all: making a database takes seconds, opening one does not.
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterAll(() => directory[Symbol.asyncDispose]())

  test('it starts the Node of the project, and passes output and arguments on', async () => {
    expect(await run(['--version'], { nodeArgs: old })).toMatchObject({
      code: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    })
  })

  test('it ends with the exit code of the command', async () => {
    const ended = await run(['ask', ''], { nodeArgs: old })
    expect(ended).toMatchObject({ code: 2, signal: null, stdout: '' })
    expect(ended.stderr).toContain('The question is empty')
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s reaches the command', async (signal) => {
    await using server = start(['serve', '--port', '0', '--data-dir', directory.path], { nodeArgs: old })
    await server.saw(/Ctrl-C/)
    server.child.kill(signal)
    expect(await server.ended).toMatchObject({ code: 0, signal: null })
  })

  test('when it is killed, the command closes too and gives the data directory back', async () => {
    const first = start(['serve', '--port', '0', '--data-dir', directory.path], { nodeArgs: old })
    await first.saw(/Ctrl-C/)
    first.child.kill('SIGKILL')
    // `close` of the pipes that the command inherited tells that it has ended as well.
    await first.ended
    await using second = start(['serve', '--port', '0', '--data-dir', directory.path])
    await second.saw(/Ctrl-C/)
  })

  test('without the Node of the project it says what to do', async () => {
    await using elsewhere = await temporaryDirectory()
    const copy = join(elsewhere.path, 'bin', 'holdfast.js')
    await mkdir(join(elsewhere.path, 'bin'))
    await writeFile(join(elsewhere.path, 'package.json'), '{"type":"module"}')
    await copyFile(launcher, copy)
    const ended = spawnSync(process.execPath, [...old, copy, '--version'], { encoding: 'utf8' })
    expect(ended.status).toBe(1)
    expect(ended.stderr).toBe(
      'holdfast needs Node 24 or newer; this is 20.20.2. ' +
        'Run `npm ci` in the project, which brings its own, or install Node 24.\n',
    )
  })
})
