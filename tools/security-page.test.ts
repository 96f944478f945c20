/** docs/security.md promises nothing whose test is not there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

test('every line of docs/security.md names tests, and each of them is a file', () => {
  const page = readFileSync(join(root, 'docs/security.md'), 'utf8')
  const rows = page.split('\n').filter((line) => /^\| (V|API|LLM)\d/.test(line))
  expect(rows.length).toBeGreaterThan(30)
  const missing = rows.flatMap((row) => {
    const shown = row.split('|')[3] ?? ''
    const files = [...shown.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file)
    if (files.length === 0) return [`no test: ${row}`]
    return files.filter((file) => {
      const path = /^(packages|tools|\.ci)\//.test(file) ? file : join('packages/server/src', file)
      return !existsSync(join(root, path))
    })
  })
  expect(missing).toEqual([])
})
