import { quoteName, quoteText } from '../../../workspace/casts.ts'
import type { ColumnProfile, FileProfile } from '../../../workspace/file-profile.ts'
import type { Choices, FieldQuestion, FileMapping, MappedField } from '../field-mapping.ts'
import { type FieldName, fieldType, type Grain } from '../fields.ts'
import { betweenSql, relativeTimeSql, scaled, timeSql } from '../formats/read-field.ts'
import { type Candidate, fieldIsCount } from './candidates.ts'
import { chooseColumns, type NamedField } from './choose-column.ts'
import { splitName } from './column-name.ts'
import { decideUnit, isDurationUnit, msEach, unitName, unitQuestion } from './duration-unit.ts'
import { finishMapping } from './finish-mapping.ts'
import { countsCacheApart, provenByRows, totalInput } from './input-accounting.ts'
import { isMoneyUnit, moneyQuestion, usdEach } from './money-unit.ts'
import { anyFailure, outcomeSql, succeededBy } from './outcome.ts'
import { castOf, numberOf, textOf, timeOf } from './read-column.ts'
import { timeStepOf } from './time-step.ts'

/** What reading one field came to: the field, or the question that stands before it, and notes. */
interface Reading {
  readonly mapped?: MappedField
  readonly question?: FieldQuestion
  readonly note?: string
}

/** Reads a table of the user's own: what each column is follows from its name, its unit and its values. */
export function mapColumns(profile: FileProfile, choices: Choices): FileMapping {
  const fields: Partial<Record<FieldName, MappedField>> = {}
  const questions: FieldQuestion[] = []
  const notes: string[] = []
  const chosen = chooseColumns(profile, choices)
  const columnOf = (field: NamedField): ColumnProfile | null => {
    const choice = chosen.get(field)
    return choice?.kind === 'chosen' ? choice.candidate.column : null
  }
  let relativeMsEach: number | null = null

  const take = (field: FieldName, reading: Reading): void => {
    if (reading.mapped !== undefined) fields[field] = withOthers(reading.mapped, field, chosen)
    if (reading.question !== undefined) questions.push(reading.question)
    if (reading.note !== undefined) notes.push(reading.note)
  }

  for (const [field, choice] of chosen) {
    if (choice.kind === 'none') continue
    if (choice.kind === 'ask') {
      questions.push(choice.question)
      continue
    }
    const { candidate } = choice
    if (field === 'time' && timeOf(candidate.column).kind === 'none') {
      const reading = relativeTime(candidate, choices)
      relativeMsEach = reading.msEach
      take('time', reading)
    } else if (field === 'time') take('time', readTime(candidate, choices))
    else if (field === 'latency_ms')
      take(field, readDuration(field, candidate, columnOf('output_tokens'), choices))
    else if (field === 'cost_usd')
      take(field, readMoney(candidate, [columnOf('input_tokens'), columnOf('output_tokens')], choices))
    else if (field !== 'ttft_ms') take(field, readPlain(field, candidate))
  }

  const latency = chosen.get('latency_ms')
  if (fields.latency_ms === undefined && latency?.kind === 'none')
    take('latency_ms', latencyFromTimes(profile, fields))
  const ttft = chosen.get('ttft_ms')
  if (ttft?.kind === 'chosen') take('ttft_ms', readFirstToken(ttft.candidate, latency, questions, choices))
  accountInput(fields, columnOf)

  const statusColumn = columnOf('status')
  return finishMapping(profile, {
    format: null,
    vendor: null,
    grain: grainOf(profile, fields, columnOf),
    fields,
    ok: statusColumn === null ? null : outcomeSql(statusColumn),
    failures:
      statusColumn === null ? null : anyFailure(statusColumn, profile.rows, succeededBy(statusColumn)),
    keep: totalsRow(profile),
    questions,
    notes,
    choices,
    relativeMsEach,
  })
}

function field(name: FieldName, candidate: Candidate, read: { sql: string; parsed: number }): MappedField {
  return {
    field: name,
    columns: [candidate.column.name],
    confidence: candidate.confidence,
    evidence: candidate.evidence,
    sql: read.sql,
    parsed: read.parsed,
    estimated: false,
  }
}

/** Names the columns that could have been meant as well. */
function withOthers(
  mapped: MappedField,
  name: FieldName,
  chosen: ReturnType<typeof chooseColumns>,
): MappedField {
  const choice = name === 'token_kind' ? undefined : chosen.get(name)
  if (choice?.kind !== 'chosen' || choice.others.length === 0) return mapped
  const others = choice.others.map(({ column }) => `"${column.name}"`).join(', ')
  return {
    ...mapped,
    note: `${name} is read from "${choice.candidate.column.name}"; ${others} could be meant too.`,
  }
}

function readPlain(name: FieldName, candidate: Candidate): Reading {
  if (fieldType(name) === 'VARCHAR') return { mapped: field(name, candidate, textOf(candidate.column)) }
  const number = numberOf(candidate.column, fieldIsCount(name) ? 'whole' : 'any')
  return number === null ? {} : { mapped: field(name, candidate, number) }
}

function readTime(candidate: Candidate, choices: Choices): Reading {
  const { column } = candidate
  const reading = timeOf(column)
  switch (reading.kind) {
    case 'none':
      return {}
    case 'one':
      return { mapped: field('time', candidate, castOf(column, reading.cast)) }
    case 'either': {
      const id = `date:${column.name}`
      const choice = choices.get(id)
      if (choice === 'dmy' || choice === 'mdy')
        return {
          mapped: field('time', candidate, castOf(column, choice === 'dmy' ? 'date_dmy' : 'date_mdy')),
        }
      const sample = column.samples[0] ?? ''
      return {
        question: {
          id,
          field: 'time',
          text: `Does "${column.name}" write the day or the month first? Every value, such as ${sample}, can be read both ways.`,
          choices: [
            { value: 'dmy', label: `day first (${sample} is day.month)` },
            { value: 'mdy', label: `month first (${sample} is month/day)` },
          ],
        },
      }
    }
  }
}

function relativeTime(candidate: Candidate, choices: Choices): Reading & { readonly msEach: number | null } {
  const { column, unit } = candidate
  const choice = choices.get(`unit:${column.name}`) ?? unit
  const number = numberOf(column, 'any')
  if (number === null) return { msEach: null }
  if (!isDurationUnit(choice)) return { msEach: null, question: unitQuestion('time', column, ['ms', 's']) }
  const each = msEach[choice]
  return {
    msEach: each,
    mapped: field(
      'time',
      { ...candidate, confidence: Math.max(candidate.confidence, 0.85) },
      {
        sql: relativeTimeSql(number.sql, each),
        parsed: number.parsed,
      },
    ),
  }
}

function readDuration(
  name: FieldName,
  candidate: Candidate,
  outputTokens: ColumnProfile | null,
  choices: Choices,
): Reading {
  const { column, unit } = candidate
  const number = numberOf(column, 'any')
  if (number === null) return {}
  const choice = choices.get(`unit:${column.name}`) ?? null
  const as = (each: number, evidence: string): Reading => ({
    mapped: field(
      name,
      { ...candidate, evidence: `${candidate.evidence}; ${evidence}` },
      {
        sql: scaled(number.sql, each),
        parsed: number.parsed,
      },
    ),
  })
  if (isDurationUnit(choice)) return as(msEach[choice], `${choice}, chosen by the user`)
  const decision = decideUnit(column, outputTokens)
  if (isDurationUnit(unit)) {
    // A suffix that the output tokens contradict is as likely a wrong header as a wrong guess of ours.
    if (decision.kind === 'decided' && decision.unit !== unit && outputTokens !== null)
      return {
        question: unitQuestion(
          name,
          column,
          [unit, decision.unit],
          `its name says ${unitName(unit)} while its size beside the output tokens says ${unitName(decision.unit)}`,
        ),
      }
    return as(msEach[unit], `${unit} by its name`)
  }
  if (decision.kind === 'decided') return as(msEach[decision.unit], decision.evidence)
  return { question: unitQuestion(name, column, decision.units) }
}

/** Without a suffix of its own the time to first token is in the unit of the latency beside it. */
function readFirstToken(
  candidate: Candidate,
  latency: ReturnType<ReturnType<typeof chooseColumns>['get']>,
  questions: readonly FieldQuestion[],
  choices: Choices,
): Reading {
  if (isDurationUnit(candidate.unit) || choices.has(`unit:${candidate.column.name}`))
    return readDuration('ttft_ms', candidate, null, choices)
  const beside = latency?.kind === 'chosen' ? latency.candidate : null
  if (beside === null || questions.some((question) => question.field === 'latency_ms')) return {}
  const unit = isDurationUnit(beside.unit) ? beside.unit : choices.get(`unit:${beside.column.name}`)
  const shorter = (candidate.column.numeric?.p50 ?? 0) <= (beside.column.numeric?.p50 ?? 0)
  if (unit === undefined || !shorter)
    return {
      note: `The unit of "${candidate.column.name}" is not stated, so time to first token is not used.`,
    }
  return readDuration('ttft_ms', { ...candidate, unit: isDurationUnit(unit) ? unit : null }, null, choices)
}

function readMoney(
  candidate: Candidate,
  tokens: readonly (ColumnProfile | null)[],
  choices: Choices,
): Reading {
  const { column, unit } = candidate
  const number = numberOf(column, 'any')
  if (number === null) return {}
  const otherSign = column.samples.some((sample) => /[€£¥]|\b(EUR|GBP|CHF|JPY)\b/.test(sample))
  if (unit === 'other_currency' || otherSign)
    return {
      note: `"${column.name}" is in another currency than USD and is not converted, so it is not used as cost.`,
    }
  const choice = choices.get(`unit:${column.name}`)
  const chosen = isMoneyUnit(choice) ? choice : null
  const named = unit === 'cents' ? 'cents' : unit === 'micros' || unit === 'us' ? 'micros' : 'usd'
  const doubt = chosen === null ? moneyQuestion(column, named, tokens) : null
  if (doubt !== null) return { question: doubt }
  const each = usdEach[chosen ?? named]
  const stated =
    chosen !== null || unit === 'usd' || each !== 1 || column.samples.some((sample) => /\$|USD/.test(sample))
  const mapped = field('cost_usd', candidate, { sql: scaled(number.sql, each), parsed: number.parsed })
  return stated
    ? { mapped }
    : { mapped: { ...mapped, note: `"${column.name}" states no currency and is read as USD.` } }
}

const endNames = new Set([
  'end time',
  'ended at',
  'end',
  'endtime',
  'completed at',
  'finished at',
  'end timestamp',
])

function latencyFromTimes(profile: FileProfile, fields: Partial<Record<FieldName, MappedField>>): Reading {
  const start = fields.time
  const end = profile.columns.find(
    (column) => endNames.has(splitName(column.name).words.join(' ')) && timeOf(column).kind === 'one',
  )
  const endRead = end === undefined ? null : timeSql(end)
  // A bucket has a start and an end too: what lies between them is no latency.
  if (start === undefined || endRead === null || fields.request_count !== undefined) return {}
  return {
    mapped: {
      field: 'latency_ms',
      columns: [...start.columns, ...endRead.columns],
      confidence: 0.9,
      evidence: `from ${start.columns.join()} to ${endRead.columns.join()}`,
      sql: betweenSql(start.sql, endRead.sql),
      parsed: Math.min(start.parsed, endRead.parsed),
      estimated: false,
    },
  }
}

function accountInput(
  fields: Partial<Record<FieldName, MappedField>>,
  columnOf: (field: NamedField) => ColumnProfile | null,
): void {
  if (fields.input_tokens === undefined || fields.cached_input_tokens === undefined) return
  const input = columnOf('input_tokens')
  const apart = countsCacheApart({
    input,
    cached: columnOf('cached_input_tokens'),
    output: columnOf('output_tokens'),
    total: columnOf('total_tokens'),
  })
  const words = splitName(input?.name ?? '').words
  const namedApart = words.includes('uncached') || words.join(' ').includes('no cache')
  if (namedApart || (apart.known && apart.exclusive)) {
    const total = totalInput(fields) ?? fields.input_tokens
    fields.input_tokens = apart.known ? { ...total, note: apart.evidence } : total
  } else if (!apart.known) {
    fields.input_tokens = {
      ...(provenByRows(fields) ?? fields.input_tokens),
      note: `"${input?.name ?? ''}" is taken to contain the cached tokens, unless rows with more cached than input tokens prove that they are counted apart.`,
    }
  }
}

function grainOf(
  profile: FileProfile,
  fields: Partial<Record<FieldName, MappedField>>,
  columnOf: (field: NamedField) => ColumnProfile | null,
): Grain | 'bucket' {
  const counts = columnOf('request_count')?.numeric
  if (counts !== undefined && counts.max > 1) return 'bucket'
  const single = (['request_id', 'latency_ms', 'ttft_ms', 'finish_reason', 'status'] as const).some(
    (name) => fields[name] !== undefined,
  )
  if (single) return 'request'
  const time = columnOf('time')
  if (time === null) return 'unknown'
  switch (timeStepOf(time)) {
    case 'day':
      return 'day'
    case 'hour':
      return 'hour'
    case 'minute':
      // One row for each minute is a series of sums; several rows of one minute are requests with short times.
      return time.distinct >= profile.rows * 0.9 ? 'minute' : 'request'
    case 'second':
      return 'request'
  }
}

/** The workspace reports a row of totals with the word it begins with: the first filled cell of the row. */
function totalsRow(profile: FileProfile): string | null {
  const word = profile.problems
    .map((problem) => /row of totals \("([^"]+)"\)/.exec(problem)?.[1])
    .find(Boolean)
  if (word === undefined) return null
  const cells = profile.columns.map((column) => `nullif(trim(${quoteName(column.name)}), '')`)
  return `coalesce(lower(coalesce(${cells.join(', ')})) NOT IN (${quoteText(word.toLowerCase())}, ${quoteText(`${word.toLowerCase()}:`)}), true)`
}
