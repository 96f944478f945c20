import { additivity } from './concepts.ts'
import type { TableInfo } from './parse.ts'
import { type KnownTerm, knownTerms } from './terms.ts'

/** Questions of nearest; enough to show what can be asked, few enough to be read. */
const maxNearest = 4

/** Groups that are worth a table: neither one value nor a value a row. */
const goodGroup = (term: KnownTerm): boolean =>
  (term.kind === 'text' || term.kind === 'boolean') && term.distinct >= 2 && term.distinct <= 50

/** Questions that this table can answer, in words that parseSimpleQuestion reads. */
export function nearestQuestions(table: TableInfo): readonly string[] {
  const terms = knownTerms(table.profile, table.mapping, table.choices ?? new Map()).filter(
    (term) => term.doubt === null,
  )
  const group = terms.find((term) => goodGroup(term) && term.field !== null) ?? terms.find(goodGroup)
  const numbers = terms.filter((term) => term.kind === 'number' && term.distinct > 2)
  const adds =
    numbers.find((term) => additivity(term.label, term.unit) === 'adds' && term.unit === 'USD') ??
    numbers.find((term) => additivity(term.label, term.unit) === 'adds')
  const mean = numbers.find((term) => additivity(term.label, term.unit) === 'does_not_add') ?? numbers[0]
  const times = terms.filter((term) => term.kind === 'time')
  const questions = [
    ...(adds !== undefined && group !== undefined ? [`total ${adds.label} by ${group.label}`] : []),
    ...(mean !== undefined && group !== undefined ? [`average ${mean.label} by ${group.label}`] : []),
    ...(times.length === 1 ? ['number of rows per day'] : []),
    ...(group !== undefined ? [`number of rows by ${group.label}`] : []),
    ...(mean !== undefined ? [`median ${mean.label}`] : []),
    'how many rows',
  ]
  return questions.slice(0, maxNearest)
}
