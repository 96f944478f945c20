import type { Proof } from '../verdict/proof-document.ts'
import { html as xml } from './escape.ts'

/**
 * For CI that reads nothing else. A proof that is inconclusive has a failed test case of its own, so that nothing which
 * only counts failures turns green. No `flakyFailure`: those who read it take it for a pass.
 */
export function renderJunit(proof: Proof): string {
  const cases = proof.checks.map((check) => {
    const [example] = check.examples
    const inner =
      check.waived !== null
        ? `<skipped message="waived by ${xml(check.waived.owner)} until ${xml(check.waived.expires)}: ${xml(check.waived.reason)}"/>`
        : check.outcome === 'failed'
          ? `<failure message="${xml(example?.what ?? 'failed')}">${check.examples.map(({ what }) => xml(what)).join('&#10;')}</failure>`
          : check.outcome === 'not_exercised'
            ? `<skipped message="not exercised: ${check.situations} of ${check.minimum}"/>`
            : check.outcome === 'unsure'
              ? `<skipped message="${xml(check.notes[0] ?? 'cannot be told')}"/>`
              : ''
    return `  <testcase classname="holdfast.prove.${xml(check.group)}" name="${xml(check.id)}: ${xml(check.title)}">${inner}</testcase>`
  })
  const broken = proof.steps.filter(({ trouble }) => trouble !== null)
  const errors = broken.map(
    ({ id, trouble }) =>
      `  <testcase classname="holdfast.prove.step" name="${xml(id)}"><error message="${xml(trouble ?? '')}"/></testcase>`,
  )
  const verdict =
    proof.verdict === 'GO'
      ? '  <testcase classname="holdfast.prove" name="verdict"/>'
      : `  <testcase classname="holdfast.prove" name="verdict"><failure message="${xml(proof.headline)}">${proof.reasons.map(xml).join('&#10;')}</failure></testcase>`
  const all = [...cases, ...errors, verdict]
  const count = (tag: string): number => all.filter((one) => one.includes(`<${tag} `)).length
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="holdfast prove ${xml(proof.url)}" tests="${all.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}" time="${proof.seconds}" timestamp="${xml(proof.startedAt)}">
${all.join('\n')}
</testsuite>
`
}
