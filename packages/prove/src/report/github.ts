import type { Proof } from '../verdict/proof-document.ts'
import { workflow, workflowProperty } from './escape.ts'

/** GitHub shows ten of each kind and drops the rest in silence: the last one says how many there were. */
const shown = 10

function annotations(
  kind: 'error' | 'warning' | 'notice',
  all: readonly (readonly [title: string, text: string])[],
): readonly string[] {
  const some =
    all.length > shown
      ? [...all.slice(0, shown - 1), ['more', `${all.length - shown + 1} more in the report`] as const]
      : all
  return some.map(
    ([title, text]) => `::${kind} title=${workflowProperty(`holdfast prove: ${title}`)}::${workflow(text)}`,
  )
}

/** Workflow commands, a line each. What a server said is data in them and begins no command of its own. */
export function renderGithub(proof: Proof): string {
  const failed = proof.checks.filter(({ outcome, waived }) => outcome === 'failed' && waived === null)
  const open = proof.checks.filter(
    ({ outcome, required, waived }) =>
      required && waived === null && (outcome === 'not_exercised' || outcome === 'unsure'),
  )
  const waived = proof.checks.filter((check) => check.waived !== null)
  const lines = [
    ...annotations('error', [
      ...(proof.verdict === 'GO' ? [] : [[proof.headline, proof.reasons.join('; ')] as const]),
      ...failed.map(({ id, examples }) => [id, examples[0]?.what ?? 'failed'] as const),
    ]),
    ...annotations('warning', [
      ...open.map(({ id, says }) => [id, `not known: ${says}`] as const),
      ...waived.map(
        ({ id, waived: by }) =>
          [id, `waived by ${by?.owner ?? ''} until ${by?.expires ?? ''}: ${by?.reason ?? ''}`] as const,
      ),
    ]),
    ...annotations('notice', [
      [`risk ${proof.risk.level}`, proof.risk.facts.join('; ') || 'nothing known against it'] as const,
    ]),
  ]
  return `${lines.join('\n')}\n`
}
