import { open } from 'node:fs/promises'
import { HoldfastError } from '@holdfast/protocol'
import { keyIdOf, withoutNewline } from '@holdfast/protocol/e2e'
import { type RetryOptions, retry } from './retry.ts'
import type { RetryPolicy } from './retry-policy.ts'
import { type Secret, secret } from './secret.ts'
import { openSecretManager } from './secret-manager.ts'
import { SettingError } from './settings.ts'
import { type KeySource, keyTextProblem, type SimulationChoice } from './simulation-choice.ts'

export interface SimulationKey {
  /** For logs and headers. */
  readonly id: string
  readonly key: Secret
  /** Where it came from. */
  readonly variable: string
}

export interface ReadKeysOptions {
  readonly secretManagerUrl: URL | null
  readonly policy: RetryPolicy
  readonly logger: RetryOptions['logger']
}

/** A file that is longer than this holds something else, and is not read to its end. */
const fileBytes = 1_024

/**
 * The keys that are good, the current one first.
 * @throws {SettingError} one cannot be read, or is none; both are the same
 */
export async function readSimulationKeys(
  { current, previous }: Extract<SimulationChoice, { kind: 'on' }>,
  options: ReadKeysOptions,
): Promise<readonly SimulationKey[]> {
  const keys: SimulationKey[] = []
  for (const source of previous === null ? [current] : [current, previous])
    keys.push(await readSimulationKey(source, options))
  const [one, other] = keys
  if (one !== undefined && other !== undefined && one.id === other.id)
    throw new SettingError(
      other.variable,
      `${other.variable} holds the same key as ${one.variable}. Unset it: nothing is being replaced.`,
    )
  return keys
}

async function readSimulationKey(source: KeySource, options: ReadKeysOptions): Promise<SimulationKey> {
  const { variable } = source
  const text = await textOf(source, options)
  const problem = keyTextProblem(variable, text)
  if (problem !== null) throw problem
  const key = withoutNewline(text)
  return { id: keyIdOf(key), key: secret(key), variable }
}

async function textOf(source: KeySource, options: ReadKeysOptions): Promise<string> {
  const { variable } = source
  switch (source.kind) {
    case 'value':
      return source.key.reveal()
    case 'file':
      try {
        return await readStart(source.path)
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
        throw new SettingError(variable, `The file that ${variable} names cannot be read (${code}).`)
      }
    case 'secret':
      try {
        return await readSecret(source.version, options)
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error
        throw new SettingError(variable, `${variable} cannot be read: ${error.message}.`)
      }
    default:
      return source satisfies never
  }
}

async function readStart(path: string): Promise<string> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(fileBytes) })
  return buffer.toString('utf8', 0, bytesRead)
}

async function readSecret(version: string, options: ReadKeysOptions): Promise<string> {
  await using manager = await openSecretManager(options.secretManagerUrl)
  return await retry(() => manager.read(version), {
    policy: options.policy,
    what: 'reading the simulation key from Google Secret Manager',
    isWorthRepeating: (error) => error instanceof HoldfastError && error.code === 'not_ready',
    logger: options.logger,
  })
}
