import type { Question, Sufficiency } from '@holdfast/protocol'
import { describeView, fieldsOf } from './canonical-view.ts'
import type { Choices, FileMapping, TimeStep } from './field-mapping.ts'
import { mappingLimits } from './field-mapping.ts'
import type { FieldName } from './fields.ts'
import type { Need, Playbook, Reduction, View } from './playbook.ts'
import { chooseSources } from './sources.ts'

/** Whether a playbook can answer from the files, and if not wholly, what stands in the way. */
export interface Verdict {
  readonly sufficiency: Sufficiency
  /** The files the analysis runs on: their tables go into the canonical view in this order. */
  readonly sources: readonly FileMapping[]
  readonly view: View
  /** Required needs that no field meets. Of a partial answer: those its reductions stand for. */
  readonly missing: readonly MissingNeed[]
  /** What a partial answer leaves out. */
  readonly reductions: readonly Reduction[]
  /** The one question to ask first; set exactly when ambiguous. */
  readonly question: Question | null
  /** Files left out, and other things to tell. */
  readonly notes: readonly string[]
}

export interface MissingNeed {
  readonly need: Need
  /** What the files have instead, for people. */
  readonly instead: string
}

/** The verdict rule of the data helper. Pure: made from the mappings, before any SQL runs. */
export function checkSufficiency(
  playbook: Playbook,
  mappings: readonly FileMapping[],
  choices: Choices = new Map(),
  compare: View['compare'] = [],
): Verdict {
  const { used, notes } = chooseSources(playbook, mappings)
  const view = { ...describeView(used, fieldsOf(playbook), choices), compare }
  const verdict = { sources: used, view, notes, missing: [], reductions: [], question: null }

  const lacking = playbook.required.filter(
    (need) => need.metWhere?.(view) !== true && !need.anyOf.some((field) => view.fields.has(field)),
  )
  // What a question may still settle is not asked for as data.
  const absent = lacking.filter((need) => questionFor(used, [need]) === null)
  const coarse = tooCoarse(playbook, used, view)
  const missing = [
    ...(coarse === null ? [] : [coarse]),
    ...absent
      .filter((need) => need !== coarse?.need)
      .map((need) => ({ need, instead: insteadOf(need, used) })),
  ]
  const reductions = playbook.reductions.filter((reduction) => reduction.when(view))
  const covered = (need: Need) =>
    reductions.some(({ missing: field }) => field !== null && need.anyOf.includes(field))
  if (view.rows === 0 || coarse !== null || !absent.every(covered))
    return { ...verdict, sufficiency: 'insufficient', missing }
  const least = belowLeast(playbook, view)
  if (least !== null) return { ...verdict, sufficiency: 'insufficient', missing: [least] }

  const question = questionFor(used, lacking)
  if (question !== null) return { ...verdict, sufficiency: 'ambiguous', question }
  return { ...verdict, sufficiency: reductions.length > 0 ? 'partial' : 'sufficient', missing, reductions }
}

/** The first open question that stands before a required field; a question about anything else is not asked. */
function questionFor(used: readonly FileMapping[], lacking: readonly Need[]): Question | null {
  const fields = new Set(lacking.flatMap((need) => need.anyOf.flatMap(parts)))
  for (const mapping of used) {
    const found = mapping.questions.find((question) => fields.has(question.field))
    if (found !== undefined) return { id: found.id, text: found.text, choices: found.choices }
  }
  return null
}

/** A cost that is not read is made from these. */
function parts(field: FieldName): readonly FieldName[] {
  return field === 'cost_usd' ? ['cost_usd', 'model', 'input_tokens', 'output_tokens'] : [field]
}

const steps: readonly TimeStep[] = ['second', 'minute', 'hour', 'day']

function tooCoarse(playbook: Playbook, used: readonly FileMapping[], view: View): MissingNeed | null {
  const need = grainFields
    .map((field) => playbook.required.find(({ anyOf }) => anyOf.includes(field)))
    .find((found) => found !== undefined)
  if (view.rows === 0 || need === undefined) return null
  if (!playbook.grains.includes(view.grain)) {
    const rows =
      view.grain === 'unknown' ? 'what a row stands for cannot be told' : `each row sums a ${view.grain}`
    return { need, instead: `in ${names(used)} ${rows}, and this needs a row for each ${playbook.grains[0]}` }
  }
  const time = playbook.required.find(({ anyOf }) => anyOf.includes('time'))
  if (
    time !== undefined &&
    view.fields.has('time') &&
    steps.indexOf(view.timeStep) > steps.indexOf(playbook.timeStep)
  )
    return { need: time, instead: `the times in ${names(used)} are written to the ${view.timeStep}` }
  return null
}

/** Only once the field itself is there: without it, it is asked for as such, or there is a question before it. */
function belowLeast({ least, required, optional }: Playbook, view: View): MissingNeed | null {
  if (least === undefined || !view.fields.has(least.field) || least.holds(view)) return null
  const need = [...required, ...optional].find(({ anyOf }) => anyOf.includes(least.field))
  return need === undefined ? null : { need, instead: least.instead }
}

/** The field whose grain matters most is the one to ask for in a finer grain. */
const grainFields: readonly FieldName[] = ['latency_ms', 'time', 'output_tokens', 'input_tokens']

function insteadOf(need: Need, used: readonly FileMapping[]): string {
  if (used.length === 0) return 'there is no file yet'
  if (used.every((mapping) => mapping.rows === 0)) return `${names(used)} has no rows`
  for (const mapping of used)
    for (const field of need.anyOf) {
      const mapped = mapping.fields[field]
      if (mapped === undefined) continue
      if (mapped.parsed < mappingLimits.parsed)
        return `"${mapped.columns.join(', ')}" looks like it, but only ${Math.floor(mapped.parsed * 100)} % of its values can be read`
    }
  return `${names(used)} has no such column`
}

function names(used: readonly FileMapping[]): string {
  return used.map((mapping) => mapping.fileName).join(', ')
}
