import { expect, test } from 'vitest'
import { runHere, start } from '../holdfast.test-support.ts'

test('the rows that were asked for, after a header', async () => {
  const { code, stdout } = await runHere(['sample', '--rows', '7'])
  expect(code).toBe(0)
  expect(stdout.trimEnd().split('\n')).toHaveLength(8)
})

test('a reader that has seen enough ends it', async () => {
  await using sampling = start(['sample', '--rows', '10000000'])
  await sampling.saw(/\n/)
  sampling.child.stdout?.destroy()
  expect(await sampling.ended).toMatchObject({ code: 0, stderr: '' })
})

test.each(['0', '-1', 'x', '10000001', '1.5'])('--rows %s is wrong usage: 2', async (rows) => {
  const { code, stdout, stderr } = await runHere(['sample', '--rows', rows])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('whole number from 1 to 10000000')
})
