import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Trial data beside the repository; tests that need it say so in their names and skip without it. */
const directory = join(import.meta.dirname, '../../../../../../../shared/data')

export const sharedData = {
  present: existsSync(directory),
  path: (name: string): string => join(directory, name),
}
