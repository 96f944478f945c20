import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import type { Context } from '../context.ts'
import { explain } from '../errors.ts'
import { type ExitCode, proveCodes } from '../exit-codes.ts'

/** Exit code 3: the flags are wrong, and nothing was proved. */
export class ProveUsageError extends Error {
  override readonly name = 'ProveUsageError'
}

const usageErrors = new Set([
  'ProveUsageError',
  'SigningKeyError',
  'HistoryError',
  'NotAProofError',
  'SettingError',
])

/** Exit codes of `prove` are its own: a fault of this command must never be taken for a verdict. */
export async function guarded(context: Context, work: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await work()
  } catch (error) {
    context.status.stop()
    const name = error instanceof Error ? error.name : ''
    const code = usageErrors.has(name)
      ? proveCodes.usage
      : name === 'UnreachableError'
        ? proveCodes.unreachable
        : proveCodes.internal
    await context.stderr.write(`holdfast: ${explain(error).sentence}\n`)
    return code
  }
}

/** @throws {ProveUsageError} */
export async function readJson<Schema extends z.ZodType>(
  file: string,
  flag: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(file, 'utf8'))
  } catch {
    throw new ProveUsageError(`${flag} ${file}: cannot be read as JSON`)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new ProveUsageError(
    `${flag} ${file}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'does not fit'}`,
  )
}
