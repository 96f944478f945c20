import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { settingsPage, settingsPagePath } from './settings-page.ts'

test('docs/settings.md says what the table says (else: node tools/settings-page.ts)', () => {
  expect(readFileSync(settingsPagePath, 'utf8')).toBe(settingsPage())
})
