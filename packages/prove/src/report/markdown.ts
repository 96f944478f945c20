import type { Proof } from '../verdict/proof-document.ts'
import { markdown } from './escape.ts'
import { coverageText, missesOf } from './terminal.ts'
import { checkMarks, describeSeconds, percent } from './words.ts'

const mostReasons = 6

/** A page for people who decide: at most sixty lines. */
export function renderMarkdown(proof: Proof): string {
  const { totals, build, risk, rollback } = proof
  const odd = proof.checks.filter(
    ({ outcome, required }) => outcome !== 'passed' && (required || outcome === 'failed'),
  )
  const lines = [
    `# ${markdown(proof.headline)}: ${markdown(proof.url)}`,
    '',
    `Profile ${proof.profile}, ${describeSeconds(proof.seconds)}, begun ${proof.startedAt}; ${proof.model} model. Commit \`${build.commit}\`, image \`${build.image}\` (${build.source}).`,
    '',
    ...(proof.reasons.length > 0
      ? [
          '**Why**',
          '',
          ...proof.reasons.slice(0, mostReasons).map((reason) => `- ${markdown(reason)}`),
          ...(proof.reasons.length > mostReasons ? [`- and ${proof.reasons.length - mostReasons} more`] : []),
          '',
        ]
      : []),
    `${totals.checks} checks: ${totals.passed} passed, ${totals.failed} failed, ${totals.notExercised} not exercised, ${totals.unsure} cannot be told. Pass rate ${percent(totals.passRate)} of what was exercised.`,
    '',
    '| | checks | passed | failed | not exercised | pass rate | situations | time |',
    '|---|---|---|---|---|---|---|---|',
    ...proof.staging.map(
      (one) =>
        `| ${one.name} | ${one.total} | ${one.passed} | ${one.failed} | ${one.notExercised} | ${percent(one.passRate)} | ${one.situations} | ${describeSeconds(one.seconds)} |`,
    ),
    '',
    ...(odd.length > 0
      ? [
          '| check | | |',
          '|---|---|---|',
          ...odd
            .slice(0, 8)
            .map(
              ({ id, outcome, says, examples }) =>
                `| ${id} | ${checkMarks[outcome].long} | ${markdown(examples[0]?.what ?? says).slice(0, 240)} |`,
            ),
          '',
        ]
      : []),
    `**WebSocket coverage:** ${coverageText(proof)}`,
    ...missesOf(proof)
      .slice(0, 4)
      .map((miss) => `- missed of ${markdown(miss)}`),
    '',
    `**Before and after:** ${comparisonText(proof)}`,
    '',
    `**${markdown(proof.contract.says)}**`,
    '',
    `**Regression risk: ${risk.level}.** ${risk.facts.map(markdown).join('; ')}`,
    '',
    `**Way back:** \`${rollback.command.replaceAll('`', "'")}\`, ${rollback.rehearsed ? `rehearsed in ${rollback.seconds} s` : 'not rehearsed'}; previous: ${markdown(rollback.previous)}. ${markdown(rollback.schema)}. ${markdown(rollback.openSockets)}.`,
    '',
    `**This proof would miss:** ${proof.wouldMiss.map(markdown).join('; ')}.`,
    ...(proof.killMatrix === null ? [] : ['', markdown(proof.killMatrix.line)]),
  ]
  return `${lines.join('\n')}\n`
}

function comparisonText(proof: Proof): string {
  const live = proof.comparison.map(
    ({ metric, ratio, verdict, pairs }) =>
      `${metric} × ${ratio.estimate?.toFixed(2)} (95 %: ${ratio.lower?.toFixed(2)} to ${ratio.upper?.toFixed(2) ?? '∞'}, ${pairs} pairs): ${verdict}`,
  )
  const { historical } = proof
  const before =
    historical === null
      ? []
      : [
          `earlier proof of ${historical.madeAt} was ${historical.verdict} (historical, decides nothing)`,
          ...historical.metrics.map(
            ({ metric, beforeMs, nowMs }) => `${metric} ${beforeMs.toFixed(1)} → ${nowMs.toFixed(1)} ms`,
          ),
          ...historical.checks.map(({ id, before: was, now }) => `${id}: ${was} → ${now}`),
        ]
  return [...live, ...before].join('; ') || 'nothing to compare with'
}
