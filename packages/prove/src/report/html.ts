import { createHash } from 'node:crypto'
import type { CheckResult, Proof } from '../verdict/proof-document.ts'
import { closeBars, ecdf, forest, timeline } from './charts.ts'
import { html } from './escape.ts'
import { checkMarks, describeSeconds, percent } from './words.ts'

/**
 * One file, without scripts and without anything from elsewhere: it can be kept as evidence, mailed, and opened in
 * twenty years. Whatever a server said in it is text (CSP allows nothing else to happen).
 */
export function renderHtml(proof: Proof, baseline: Readonly<Record<string, readonly number[]>> = {}): string {
  const hash = createHash('sha256').update(css).digest('base64')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(proof.headline)}: ${html(proof.url)}</title>
<style>${css}</style></head><body><main>
${header(proof)}
${threeTests(proof)}
${checksTable(proof)}
${coverageGrid(proof)}
${pictures(proof, baseline)}
${contractPart(proof)}
${decisionPart(proof)}
${footer(proof)}
</main></body></html>
`
}

const tone = { GO: 'good', 'NO-GO': 'bad', INCONCLUSIVE: 'doubt' } as const
const meaning = {
  GO: 'Everything that has to hold was brought about, and held.',
  'NO-GO': 'Something that has to hold did not. Do not send users there.',
  INCONCLUSIVE: 'Nothing was seen to be wrong, but not everything that has to be known is known.',
} as const

function header(proof: Proof): string {
  const { totals, build } = proof
  return `<header class="${tone[proof.verdict]}"><p class="verdict">${html(proof.headline)}</p>
<h1>${html(proof.url)}</h1><p>${meaning[proof.verdict]}</p>
${list(proof.reasons)}</header>
<dl class="facts">
<div><dt>Checks</dt><dd>${totals.passed} passed, ${totals.failed} failed, ${totals.notExercised} not exercised, ${totals.unsure} cannot be told</dd></div>
<div><dt>Build</dt><dd>commit ${html(build.commit)}, image ${html(build.image)} <small>${build.source === 'operator' ? 'as the operator expected' : 'as the server says of itself'}</small></dd></div>
<div><dt>Run</dt><dd>profile ${html(proof.profile)}, ${html(proof.startedAt)}, ${describeSeconds(proof.seconds)}, ${proof.users} ${proof.users === 1 ? 'user' : 'users'}, ${proof.model} model</dd></div>
<div><dt>Regression risk</dt><dd>${proof.risk.level}</dd></div>
</dl>`
}

const list = (items: readonly string[]): string =>
  items.length === 0 ? '' : `<ul>${items.map((item) => `<li>${html(item)}</li>`).join('')}</ul>`

function threeTests(proof: Proof): string {
  const rows = proof.staging.map(
    (one) =>
      `<tr><th scope="row">${html(one.name)}</th><td>${one.total}</td><td>${one.passed}</td><td class="${one.failed > 0 ? 'bad' : ''}">${one.failed}</td><td>${one.notExercised}</td><td>${percent(one.passRate)}</td><td>${one.situations}</td><td>${describeSeconds(one.seconds)}</td></tr>`,
  )
  return `<section><h2>The three staging tests</h2><table><thead><tr><th></th><th>checks</th><th>passed</th><th>failed</th><th>not exercised</th><th>pass rate</th><th>situations</th><th>time</th></tr></thead><tbody>${rows.join('')}</tbody></table></section>`
}

function checksTable(proof: Proof): string {
  const rows = proof.checks.map((check) => {
    const { long, tone: kind } = checkMarks[check.outcome]
    return `<tr><td class="${kind}">${long}${check.waived === null ? '' : ', waived'}</td><td><code class="id">${html(check.id)}</code>${check.required ? '' : ' <small>not required</small>'}</td><td>${html(check.title)}<br><small>${html(check.says)}</small>${details(check)}</td></tr>`
  })
  return `<section><h2>All checks</h2><table class="checks"><tbody>${rows.join('')}</tbody></table></section>`
}

function details(check: CheckResult): string {
  const { examples, violations, notes, diagnosis, waived } = check
  const facts = [
    ...(waived === null ? [] : [`waived by ${waived.owner} until ${waived.expires}: ${waived.reason}`]),
    ...(diagnosis === null ? [] : [diagnosis]),
    ...notes,
  ]
  const failures =
    examples.length === 0
      ? ''
      : `<details open><summary>${violations} ${violations === 1 ? 'violation' : 'violations'}${violations > examples.length ? `, the first ${examples.length}` : ''}</summary><table><tbody>${examples
          .map(
            ({ what, t, conn }) =>
              `<tr><td>${(t / 1e9).toFixed(3)} s</td><td>${conn === undefined ? '' : `connection ${conn}`}</td><td>${html(what)}</td></tr>`,
          )
          .join('')}</tbody></table></details>`
  return failures + (facts.length === 0 ? '' : `<small>${list(facts)}</small>`)
}

function coverageGrid(proof: Proof): string {
  const rows = proof.coverage.map(({ name, done, missed, unreachable }) => {
    const cell = (one: string, kind: string): string => `<span class="cell ${kind}">${html(one)}</span>`
    return `<tr><th scope="row">${html(name)}<br><small>${done.length} of ${done.length + missed.length}</small></th><td>${[
      ...done.map((one) => cell(one, 'good')),
      ...missed.map((one) => cell(one, 'bad')),
      ...unreachable.map((one) => cell(one, 'calm')),
    ].join(' ')}</td></tr>`
  })
  return `<section><h2>What of the contract was met</h2><p>Counted from the contract that the server gave out. Green was met, red was not, grey cannot be brought about from outside.</p><table><tbody>${rows.join('')}</tbody></table></section>`
}

function pictures(proof: Proof, baseline: Readonly<Record<string, readonly number[]>>): string {
  const curve = (title: string, key: string): string => {
    const now = proof.samples[key] ?? []
    const before = baseline[key] ?? []
    const drawn = ecdf(title, [
      { name: 'this proof', values: now },
      ...(before.length > 0 ? [{ name: 'earlier proof', values: before }] : []),
    ])
    return drawn === '' ? '' : `<figure><figcaption>${html(title)}</figcaption>${drawn}</figure>`
  }
  const figure = (caption: string, drawn: string): string =>
    drawn === '' ? '' : `<figure><figcaption>${html(caption)}</figcaption>${drawn}</figure>`
  return `<section><h2>Measured</h2>${curve('Time to the first event of a run', 'firstEventMs')}${curve('Time to the end of a run', 'runMs')}${curve('Time to open a WebSocket', 'connectMs')}${figure('Candidate against stable, each dot a pair of blocks', forest(proof.comparison))}${figure('Every close of the proof', closeBars(proof.closes))}${figure('Readings of threads; an upright line is where the connection was cut', timeline(proof))}</section>`
}

function contractPart(proof: Proof): string {
  const { says, source, changes } = proof.contract
  const rows = changes
    .slice(0, 60)
    .map(
      ({ kind, rule, path, what }) =>
        `<tr><td class="${kind === 'breaking' ? 'bad' : kind === 'unclassified' ? 'doubt' : ''}">${html(kind)}</td><td>${html(rule)}</td><td><code>${html(path)}</code></td><td>${html(what)}</td></tr>`,
    )
  return `<section><h2>Contract</h2><p>${html(says)}, against ${html(source)}.</p>${rows.length > 0 ? `<table><tbody>${rows.join('')}</tbody></table>` : ''}</section>`
}

function decisionPart(proof: Proof): string {
  const { risk, rollback, historical } = proof
  return `<section><h2>Risk: ${risk.level}</h2>${list(risk.facts)}
<h2>This proof would miss</h2>${list(proof.wouldMiss)}
<h2>The way back</h2><dl class="facts"><div><dt>Command</dt><dd><code>${html(rollback.command)}</code></dd></div>
<div><dt>Previous</dt><dd>${html(rollback.previous)}</dd></div>
<div><dt>Rehearsed</dt><dd>${rollback.rehearsed ? `yes, in ${rollback.seconds} s` : 'no'}</dd></div>
<div><dt>Database</dt><dd>${html(rollback.schema)}</dd></div>
<div><dt>Open sockets</dt><dd>${html(rollback.openSockets)}</dd></div></dl>
${historical === null ? '' : `<h2>Against the proof of ${html(historical.madeAt)}</h2><p>That one was ${html(historical.verdict)}. Another hour and perhaps another machine: what changed here is a hint and decides nothing.</p>${list([...historical.metrics.map(({ metric, beforeMs, nowMs }) => `${metric}: ${beforeMs.toFixed(1)} → ${nowMs.toFixed(1)} ms`), ...historical.checks.map(({ id, before, now }) => `${id}: ${before} → ${now}`)])}`}</section>`
}

function footer(proof: Proof): string {
  const steps = proof.steps.map(({ id, seconds }) => `${id} ${describeSeconds(seconds)}`).join(', ')
  return `<footer><p>${html(proof.tool)}, proof ${html(proof.id)}. ${html(proof.killMatrix?.line ?? 'Without the matrix of holdfast prove self-test.')}</p>
<p>Steps: ${html(steps)}.</p>
<p>Judge it again: <code>holdfast prove recheck history.jsonl.gz</code>. A signature (<code>holdfast prove verify</code>) tells who ran this, not that it is true.</p></footer>`
}

const css = `:root{color-scheme:light dark;--ink:#1c2127;--soft:#5d6670;--line:#d9dee4;--paper:#fff;--good:#1a7f4b;--bad:#c0262d;--doubt:#96650a;--calm:#8a95a1;--b0:#2563a8;--b1:#b45309}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa4af;--line:#343b43;--paper:#14181d;--good:#4cc38a;--bad:#ff6b6b;--doubt:#e2a63d;--calm:#7b8691;--b0:#6ea8ec;--b1:#f0a35a}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem}
header{border-left:.5rem solid var(--calm);padding:.25rem 1.25rem;margin-bottom:1.25rem}
header.good{border-color:var(--good)}header.bad{border-color:var(--bad)}header.doubt{border-color:var(--doubt)}
.verdict{font-size:2.5rem;font-weight:700;line-height:1.1;margin:.25rem 0}
header.good .verdict{color:var(--good)}header.bad .verdict{color:var(--bad)}header.doubt .verdict{color:var(--doubt)}
h1{font-size:1.15rem;font-weight:500;margin:.25rem 0;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:2rem 0 .5rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-top:1px solid var(--line);overflow-wrap:anywhere}
tbody th{min-width:9.5rem;font-weight:500}thead th{border:0;color:var(--soft);font-weight:500}.checks td:first-child{white-space:nowrap}
td.good{color:var(--good)}td.bad{color:var(--bad);font-weight:600}td.doubt{color:var(--doubt);font-weight:600}td.none{color:var(--soft)}
.id{white-space:nowrap}section{overflow-x:auto}thead th{overflow-wrap:normal}@media(max-width:40rem){th,td{padding:.35rem .3rem}.checks>tbody>tr{display:block;border-top:1px solid var(--line);padding:.4rem 0}.checks>tbody>tr>td{display:block;border:0;padding:.1rem 0}}small{color:var(--soft)}.facts div{display:flex;gap:1rem;padding:.2rem 0}dt{flex:0 0 9rem;color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.cell{display:inline-block;padding:.05rem .45rem;margin:.1rem 0;border:1px solid var(--line);border-radius:.3rem;font-size:.82rem}
.cell.good{border-color:var(--good)}.cell.bad{border-color:var(--bad);color:var(--bad)}.cell.calm{color:var(--soft)}
figure{margin:1.25rem 0}figcaption{color:var(--soft);margin-bottom:.35rem}svg{width:100%;height:auto;font:13px system-ui,sans-serif}
svg text{fill:var(--ink)}svg .small{font-size:12px;fill:var(--soft)}svg .tiny{font-size:10px;fill:var(--soft)}
.grid{stroke:var(--line)}.axis{stroke:var(--soft)}.limit{stroke:var(--bad);stroke-dasharray:4 3}.cut{stroke:var(--bad);stroke-width:2}
.curve{fill:none;stroke-width:2}.c0{stroke:var(--b0)}.c1{stroke:var(--b1)}.dot{fill:var(--calm)}.mark{fill:var(--ink)}
.bar{stroke-width:5}.bar.good{stroke:var(--good)}.bar.bad{stroke:var(--bad)}.bar.doubt{stroke:var(--doubt)}
rect.good{fill:var(--good)}rect.bad{fill:var(--bad)}rect.calm{fill:var(--calm)}
footer{margin-top:2.5rem;border-top:1px solid var(--line);color:var(--soft);font-size:.88rem}`
