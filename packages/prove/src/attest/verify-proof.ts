import { createPublicKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { unpackHistory } from '../history/history-file.ts'
import { historyName, reportsOf } from '../report/write-proof.ts'
import { toolVersion } from '../tool-version.ts'
import { judge } from '../verdict/judge.ts'
import { Proof } from '../verdict/proof-document.ts'
import { open } from './dsse.ts'
import { sealNames } from './seal-proof.ts'
import { predicateType, proofStatement, sha256, testResultStatement } from './statements.ts'

/** What somebody wants of proofs before they believe them. */
export const Policy = z.strictObject({
  verdicts: z.array(z.enum(['GO', 'NO-GO', 'INCONCLUSIVE'])).default(['GO']),
  requiredChecks: z.array(z.string()).default([]),
  maximumAgeHours: z.number().positive().optional(),
  image: z.string().optional(),
  commit: z.string().optional(),
  profile: z.string().optional(),
  allowWaivers: z.boolean().default(false),
  killMatrix: z.string().optional().describe('the hash that `holdfast prove self-test` prints'),
})
export type Policy = z.infer<typeof Policy>

export interface Verification {
  /** Why it is not what it says; empty: it is. */
  readonly problems: readonly string[]
  /** Why it is not enough for the policy. */
  readonly unmet: readonly string[]
  readonly proof: Proof | null
}

/**
 * Signature, then digests, then the verdict again from the history, then the policy. It tells who ran the proof and
 * that nothing was changed since; whether they ran it against what they say, nobody can sign.
 */
export async function verifyProof(
  directory: string,
  publicKeyPem: string,
  policyText: string | null,
  now: Date = new Date(),
): Promise<Verification> {
  const key = createPublicKey(publicKeyPem)
  const problems: string[] = []
  const read = async (name: string): Promise<Buffer | null> => {
    try {
      return await readFile(join(directory, name))
    } catch {
      problems.push(`${name} cannot be read`)
      return null
    }
  }
  const statements = new Map<string, Readonly<Record<string, unknown>>>()
  for (const name of Object.values(sealNames)) {
    const text = (await read(name))?.toString('utf8')
    if (text === undefined) continue
    try {
      statements.set(name, open(text, key))
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const statement = statements.get(sealNames.proof)
  if (statement === undefined) return { problems, unmet: [], proof: null }
  if (statement['predicateType'] !== predicateType) problems.push('The statement is of another kind')

  const packed = await read(historyName)
  if (packed === null) return { problems, unmet: [], proof: null }
  const recomputed = recompute(packed, problems)
  if (recomputed === null) return { problems, unmet: [], proof: null }
  const files = new Map<string, Uint8Array>([[historyName, packed]])
  for (const [name, text] of Object.entries(recomputed.reports)) {
    const bytes = await read(name)
    if (bytes === null) continue
    files.set(name, bytes)
    // Another version may word a report differently, and count no differently.
    if (recomputed.sameTool && bytes.toString('utf8') !== text)
      problems.push(`${name} is not what its history gives`)
  }
  const told = toldProof(files.get('proof.json'))
  if (
    told === null ||
    told.verdict !== recomputed.proof.verdict ||
    !isDeepStrictEqual(outcomes(told), outcomes(recomputed.proof))
  )
    problems.push(
      `The history supports ${recomputed.proof.verdict}, and proof.json says ${told?.verdict ?? 'nothing'}`,
    )
  for (const [name, bytes] of files)
    if (!hasSubject(statement, name, sha256(bytes))) problems.push(`${name} is not the file that was signed`)
  const proof = recomputed.proof
  const predicate = Object(statement['predicate']) as Record<string, unknown>
  if (recomputed.sameTool) {
    const expected = Object(proofStatement(proof, files, null)) as Record<string, Record<string, unknown>>
    if (!isDeepStrictEqual({ ...expected['predicate'], policy: predicate['policy'] }, predicate))
      problems.push('The statement says something else than the history')
    const result = statements.get(sealNames.testResult)
    if (
      result !== undefined &&
      !isDeepStrictEqual(JSON.parse(JSON.stringify(testResultStatement(proof, files))), result)
    )
      problems.push('The test result says something else than the history')
  }
  return {
    problems,
    unmet: policyText === null ? [] : unmetOf(proof, Policy.parse(JSON.parse(policyText)), now),
    proof,
  }
}

function recompute(packed: Uint8Array, problems: string[]) {
  try {
    const lines = unpackHistory(packed)
    const proof = judge(lines)
    return {
      proof,
      reports: reportsOf(proof, lines),
      sameTool: proof.tool === `holdfast prove ${toolVersion}`,
    }
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
    return null
  }
}

function toldProof(bytes: Uint8Array | undefined): Proof | null {
  try {
    return Proof.parse(JSON.parse(Buffer.from(bytes ?? '').toString('utf8')))
  } catch {
    return null
  }
}

const outcomes = (proof: Proof) => proof.checks.map(({ id, outcome }) => [id, outcome])

function hasSubject(statement: Readonly<Record<string, unknown>>, name: string, digest: string): boolean {
  const subjects = statement['subject']
  return (
    Array.isArray(subjects) &&
    (subjects as { name?: unknown; digest?: { sha256?: unknown } }[]).some(
      (subject) => subject.name === name && subject.digest?.sha256 === digest,
    )
  )
}

function unmetOf(proof: Proof, policy: Policy, now: Date): readonly string[] {
  const passed = new Set(proof.checks.filter(({ outcome }) => outcome === 'passed').map(({ id }) => id))
  const ageHours = (now.getTime() - Date.parse(proof.startedAt)) / 3_600_000
  return [
    ...(policy.verdicts.includes(proof.verdict) ? [] : [`the verdict is ${proof.verdict}`]),
    ...policy.requiredChecks.filter((id) => !passed.has(id)).map((id) => `${id} did not pass`),
    ...(policy.maximumAgeHours !== undefined && ageHours > policy.maximumAgeHours
      ? [`it is ${ageHours.toFixed(1)} hours old`]
      : []),
    ...(policy.image !== undefined && policy.image !== proof.build.image
      ? [`it is of image ${proof.build.image}`]
      : []),
    ...(policy.commit !== undefined && policy.commit !== proof.build.commit
      ? [`it is of commit ${proof.build.commit}`]
      : []),
    ...(policy.profile !== undefined && policy.profile !== proof.profile
      ? [`its profile is ${proof.profile}`]
      : []),
    ...(!policy.allowWaivers && proof.checks.some(({ waived }) => waived !== null)
      ? ['something was waived']
      : []),
    ...(policy.killMatrix !== undefined && policy.killMatrix !== proof.killMatrix?.hash
      ? ['the prover was another one than the policy names, or was not tested']
      : []),
  ]
}
