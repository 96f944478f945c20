import type { FileProfile } from '../../workspace/file-profile.ts'
import { windowAt } from './questions/windows.ts'
import { tokenise } from './questions/words.ts'

/**
 * The words by which a question limits itself to some rows ("in August", "excluding acme", "gpt-5-mini"); null: it asks
 * about all of them. Playbooks compute over whole files: to answer a limited question with all rows would be
 * confidently wrong, so it is said instead.
 */
export function scopeOf(question: string, profiles: readonly FileProfile[]): string | null {
  const tokens = tokenise(question)
  for (let at = 0; at < tokens.length; at += 1) {
    const window = windowAt(tokens, at)
    if (window !== null)
      return tokens
        .slice(at, at + window.length)
        .map(({ text }) => text)
        .join(' ')
  }
  return without.exec(question)?.[0] ?? namedValue(question.toLowerCase(), profiles)
}

const without = /\b(excluding|except( for)?|other than|without counting|ignoring|leaving out)\s+\S+/i

/** Words before a value that make it a limit: "cost report" names no feature, "cost of report" does. */
const introducers =
  'for|of|from|in|at|on|only|just|by only|tenant|feature|model|team|customer|user|provider|key'

/** A value of the files that the question names, by itself where nobody would use it as a word, or introduced. */
function namedValue(question: string, profiles: readonly FileProfile[]): string | null {
  for (const { columns } of profiles)
    for (const column of columns) {
      if (column.numeric !== undefined || column.time !== undefined) continue
      for (const { value } of column.top) {
        const text = value.toLowerCase()
        if (text.length < 3 || !/[a-z]/.test(text)) continue
        const escaped = text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
        const before = /[-_\d]/.test(text) ? '' : String.raw`\b(?:${introducers})\s+(?:the\s+)?`
        if (new RegExp(String.raw`${before}(?<![\w-])${escaped}(?![\w-])`).test(question)) return value
      }
    }
  return null
}
