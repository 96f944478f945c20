import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where the built page is, if it is built. */
export const pageDirectory = (): string => dirname(fileURLToPath(import.meta.resolve('@holdfast/web/page')))
