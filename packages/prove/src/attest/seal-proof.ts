import { createPrivateKey } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Proof } from '../verdict/proof-document.ts'
import { seal } from './dsse.ts'
import { proofStatement, testResultStatement } from './statements.ts'

export const sealNames = { proof: 'proof.dsse.json', testResult: 'test-result.dsse.json' } as const

export class SigningKeyError extends Error {
  override readonly name = 'SigningKeyError'
}

/** Writes both statements beside the files that they are about. @throws {SigningKeyError} */
export async function sealProof(
  directory: string,
  proof: Proof,
  files: ReadonlyMap<string, Uint8Array>,
  options: { readonly privateKeyPem: string; readonly policy: string | null },
): Promise<void> {
  const key = readKey(options.privateKeyPem)
  const write = (name: string, statement: object): Promise<void> =>
    writeFile(join(directory, name), seal(statement, key), { mode: 0o600 })
  await write(sealNames.proof, proofStatement(proof, files, options.policy))
  await write(sealNames.testResult, testResultStatement(proof, files))
}

/** Asked for before a proof begins: two minutes are long for finding out that a key is none. */
export function readKey(pem: string): ReturnType<typeof createPrivateKey> {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Said below: what is wrong with it is not told, it may be a secret of another kind.
  }
  throw new SigningKeyError(
    'The signing key must be an ed25519 private key in PEM (openssl genpkey -algorithm ed25519)',
  )
}
