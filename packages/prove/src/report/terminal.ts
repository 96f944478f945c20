import type { Proof } from '../verdict/proof-document.ts'
import { plain } from './escape.ts'
import { checkMarks, describeSeconds } from './words.ts'

export interface Paint {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly doubt: (text: string) => string
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
}

export const noPaint: Paint = {
  good: (text) => text,
  bad: (text) => text,
  doubt: (text) => text,
  bold: (text) => text,
  dim: (text) => text,
}

/** The whole proof for a terminal; also what is printed where there is none. */
export function renderTerminal(proof: Proof, paint: Paint): string {
  const { verdict } = proof
  const colour = verdict === 'GO' ? paint.good : verdict === 'NO-GO' ? paint.bad : paint.doubt
  const width = Math.max(...proof.checks.map(({ id }) => id.length))
  const lines = [
    '',
    `${colour(paint.bold(proof.headline))}  ${plain(proof.url)}  ${proof.profile}, ${describeSeconds(proof.seconds)}`,
    ...proof.reasons.map((reason) => `  ${plain(reason)}`),
    '',
    ...proof.checks.flatMap((check) => {
      const { word, tone } = checkMarks[check.outcome]
      const mark =
        tone === 'good' ? paint.good : tone === 'bad' ? paint.bad : tone === 'doubt' ? paint.doubt : paint.dim
      const required = check.required || check.outcome !== 'not_exercised' ? '' : paint.dim(' (not required)')
      const waived = check.waived === null ? '' : paint.doubt(` waived by ${plain(check.waived.owner)}`)
      const text = check.outcome === 'not_exercised' && check.situations === 0 ? check.title : check.says
      return [
        `  ${mark(word.padEnd(4))} ${check.id.padEnd(width)}  ${plain(text)}${required}${waived}`,
        ...(check.outcome === 'failed'
          ? check.examples.slice(0, 3).map(({ what }) => paint.bad(`       ${plain(what)}`))
          : []),
        ...(check.diagnosis === null ? [] : [paint.dim(`       ${check.diagnosis}`)]),
      ]
    }),
    '',
    ...proof.staging.map(
      ({ name, total, passed, failed, notExercised, passRate, situations, seconds }) =>
        `  ${name.padEnd(22)} ${total} checks: ${passed} passed, ${failed} failed, ${notExercised} not exercised; pass rate ${Math.round(passRate * 100)} %; ${situations} situations, ${describeSeconds(seconds)}`,
    ),
    '',
    `  coverage   ${coverageText(proof)}`,
    ...missesOf(proof).map((miss) => paint.dim(`             missed: ${plain(miss)}`)),
    `  contract   ${plain(proof.contract.says)}`,
    ...proof.comparison.map(
      ({ metric, verdict: is, ratio, pairs }) =>
        `  compared   ${metric}: × ${ratio.estimate?.toFixed(2)} (${ratio.lower?.toFixed(2)} to ${ratio.upper?.toFixed(2) ?? '∞'}), ${pairs} pairs: ${is}`,
    ),
    `  build      commit ${plain(proof.build.commit)}, image ${plain(proof.build.image)} (${proof.build.source}); ${proof.model} model; ${proof.build.nodes.length} node${proof.build.nodes.length === 1 ? '' : 's'}`,
    `  risk       ${proof.risk.level}${proof.risk.facts.length > 0 ? `: ${proof.risk.facts.map(plain).join('; ')}` : ''}`,
    `  way back   ${plain(proof.rollback.command)}${proof.rollback.rehearsed ? `, rehearsed in ${proof.rollback.seconds} s` : ', not rehearsed'}`,
    ...(proof.killMatrix === null ? [] : [`  prover     ${plain(proof.killMatrix.line)}`]),
    '',
    '  This proof would miss:',
    ...proof.wouldMiss.map((one) => `  – ${plain(one)}`),
    '',
  ]
  return `${lines.join('\n')}\n`
}

export function coverageText(proof: Proof): string {
  return proof.coverage
    .map(
      ({ name, done, missed, unreachable }) =>
        `${name} ${done.length}/${done.length + missed.length}${unreachable.length > 0 ? ` (+${unreachable.length} unreachable)` : ''}`,
    )
    .join(' · ')
}

export const missesOf = (proof: Proof): readonly string[] =>
  proof.coverage.flatMap(({ name, missed }) => (missed.length > 0 ? [`${name}: ${missed.join(', ')}`] : []))
