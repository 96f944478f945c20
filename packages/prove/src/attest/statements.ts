import { createHash } from 'node:crypto'
import type { Proof } from '../verdict/proof-document.ts'

/** The name of a kind of statement, not an address: nothing is fetched from it. */
export const predicateType = 'https://holdfast.invalid/deployment-proof/v1'
const testResultType = 'https://in-toto.io/attestation/test-result/v0.1'

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

interface Subject {
  readonly name: string
  readonly digest: Readonly<Record<string, string>>
}

/** A URL has no digest and cannot be a subject: the image, the commit and the files of the proof are. */
function subjectsOf(proof: Proof, files: ReadonlyMap<string, Uint8Array>): readonly Subject[] {
  const { image, commit } = proof.build
  return [
    ...(image.startsWith('sha256:')
      ? [{ name: 'image', digest: { sha256: image.slice('sha256:'.length) } }]
      : []),
    ...(/^[0-9a-f]{40}$/.test(commit) ? [{ name: 'commit', digest: { gitCommit: commit } }] : []),
    ...[...files].map(([name, bytes]) => ({ name, digest: { sha256: sha256(bytes) } })),
  ]
}

/** What was proved of what, in our own words. */
export function proofStatement(
  proof: Proof,
  files: ReadonlyMap<string, Uint8Array>,
  policy: string | null,
): object {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjectsOf(proof, files),
    predicateType,
    predicate: {
      verdict: proof.verdict,
      headline: proof.headline,
      url: proof.url,
      profile: proof.profile,
      startedAt: proof.startedAt,
      tool: proof.tool,
      identity: proof.build.source,
      required: proof.checks.filter(({ required }) => required).map(({ id }) => id),
      passed: proof.checks.filter(({ outcome }) => outcome === 'passed').map(({ id }) => id),
      notExercised: proof.checks.filter(({ outcome }) => outcome === 'not_exercised').map(({ id }) => id),
      waived: proof.checks.flatMap(({ id, waived }) => (waived === null ? [] : [{ id, ...waived }])),
      killMatrix: proof.killMatrix?.hash ?? null,
      policy: policy === null ? null : { sha256: sha256(policy) },
    },
  }
}

/** For consumers that know nothing of us: what is not GO has failed. */
export function testResultStatement(proof: Proof, files: ReadonlyMap<string, Uint8Array>): object {
  const names = (outcome: Proof['checks'][number]['outcome']): readonly string[] =>
    proof.checks.filter((check) => check.outcome === outcome).map(({ id }) => id)
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjectsOf(proof, files),
    predicateType: testResultType,
    predicate: {
      result: proof.verdict !== 'GO' ? 'FAILED' : proof.headline === 'GO' ? 'PASSED' : 'WARNED',
      configuration: [
        { name: 'history.jsonl.gz', digest: { sha256: sha256(files.get('history.jsonl.gz') ?? '') } },
      ],
      passedTests: names('passed'),
      warnedTests: [...names('unsure'), ...names('not_exercised')],
      failedTests: names('failed'),
    },
  }
}
