/** Writes docs/settings.md from the table of settings: `node tools/settings-page.ts`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingDescriptions } from '../packages/server/src/environment/settings.ts'

export const settingsPagePath = join(import.meta.dirname, '../docs/settings.md')

const cell = (text: string): string => text.replaceAll('|', '\\|')

export function settingsPage(): string {
  const rows = settingDescriptions.map(({ names, fallback, allowed, sentence, secret }) => {
    const shown = names.map((name) => `\`${name}\``).join(' or ')
    const value = fallback === 'unset' ? 'unset' : `\`${fallback}\``
    return `| ${shown} | ${value} | ${cell(allowed)} | ${cell(sentence)}${secret ? ' Never shown.' : ''} |`
  })
  return `# Settings

From the environment; an empty variable counts as unset. A value that is not allowed stops the command with exit code 78 and a line that names the variable, never its value. Flags of \`holdfast\` come before their settings.

| variable | default | must be | |
|---|---|---|---|
${rows.join('\n')}

This page is written by \`node tools/settings-page.ts\` from \`packages/server/src/environment/settings.ts\`.
`
}

if (import.meta.main) writeFileSync(settingsPagePath, settingsPage())
