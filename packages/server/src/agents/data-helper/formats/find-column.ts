import type { ColumnProfile, FileProfile } from '../../../workspace/file-profile.ts'
import type { Names } from './format.ts'

/**
 * The first of `names` that the file has, in any case. A nested key also answers to its last part
 * (`attributes.gen_ai.request.model` to `gen_ai.request.model`): exports are wrapped in different outer objects.
 */
export function findColumn(profile: FileProfile, names: Names): ColumnProfile | null {
  for (const name of names) {
    const wanted = name.toLowerCase()
    const exact = profile.columns.find((column) => column.name === name)
    const found =
      exact ??
      profile.columns.find((column) => column.name.toLowerCase() === wanted) ??
      profile.columns.find((column) => column.name.toLowerCase().endsWith(`.${wanted}`))
    if (found !== undefined) return found
  }
  return null
}
