import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { limits } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UsageError } from '../usage-error.ts'
import { openDataFiles } from './data-files.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-data-files-'))
  await writeFile(join(directory, 'a.csv'), 'x\n1\n')
  await writeFile(join(directory, 'empty.csv'), '')
  await writeFile(join(directory, 'secret.csv'), 'x\n', { mode: 0o000 })
  if (process.platform !== 'win32') execFileSync('mkfifo', [join(directory, 'pipe')])
})
afterAll(() => rm(directory, { recursive: true }))

test('files are opened under their own names', async () => {
  const path = join(directory, 'a.csv')
  const [file] = await openDataFiles([path])
  expect(file).toMatchObject({ name: 'a.csv', path })
  expect(await file?.content.text()).toBe('x\n1\n')
})

describe('refused before anything is started', () => {
  test.each([
    ['missing.csv', 'there is no such file'],
    ['a.csv/inside', 'there is no such file'],
    ['.', 'is a directory'],
    ['empty.csv', 'is empty'],
    ['pipe', 'is not a regular file'],
  ])('%s: %s', async (name, reason) => {
    const path = join(directory, name)
    const refusal = openDataFiles([join(directory, 'a.csv'), path])
    await expect(refusal).rejects.toBeInstanceOf(UsageError)
    await expect(refusal).rejects.toThrow(`--data ${path}: ${reason}`)
  })

  // root may read everything.
  test.skipIf(process.getuid?.() === 0)(
    'a file without permission (needs a user other than root)',
    async () => {
      await expect(openDataFiles([join(directory, 'secret.csv')])).rejects.toThrow('may not be read by you')
    },
  )

  test('more files than go with one message', async () => {
    const paths = Array.from({ length: limits.filesPerMessage + 1 }, () => join(directory, 'a.csv'))
    await expect(openDataFiles(paths)).rejects.toThrow(`at most ${limits.filesPerMessage} files`)
    await expect(openDataFiles(paths.slice(1))).resolves.toHaveLength(limits.filesPerMessage)
  })
})
