import type { DataRequestItem, TemplateColumn } from '@holdfast/protocol'
import { sampleOf } from './data-request.ts'
import { type FieldName, fieldNames } from './fields.ts'
import type { Playbook } from './playbook.ts'
import type { Verdict } from './sufficiency.ts'

/** The first columns of any table worth a question, where no playbook names its own. */
const anyTable: readonly FieldName[] = ['time', 'model', 'tenant', 'cost_usd']

/**
 * A file that would do, as its columns: what the playbook needs, and what is asked for besides. Whoever fills it needs
 * no second file, so that what the files at hand already have is among it too.
 */
export function templateOf(
  playbook: Playbook,
  { view }: Pick<Verdict, 'view'>,
  items: readonly Pick<DataRequestItem, 'field'>[],
): TemplateColumn[] {
  if (items.length === 0) return []
  const wanted = new Set(items.map(({ field }) => field))
  const needed = playbook.required.map(
    ({ anyOf }) => anyOf.find((field) => wanted.has(field) || view.fields.has(field)) ?? anyOf[0],
  )
  const asked = fieldNames.filter((field) => wanted.has(field))
  const columns = [...new Set([...needed, ...asked])].filter((field) => field !== undefined)
  // Without a time nothing tells what a row stands for, a request or a sum of many.
  if (columns.length > 0 && !columns.includes('time')) columns.unshift('time')
  return (columns.length === 0 ? anyTable : columns).map((name) => ({ name, sample: sampleOf(name) }))
}
