import type { DataRequestItem, EventData, NewEvent } from '@holdfast/protocol'
import { systemIdMaker } from '@holdfast/protocol'
import { z } from 'zod'
import { defineTool, type ToolContext } from '../../../tools/define-tool.ts'
import { requestItems } from '../data-request.ts'
import { templateOf } from '../request-template.ts'
import { requestText } from '../request-text.ts'
import { SettledOutput, TriageOutput } from '../tool-outputs.ts'
import { type Judged, judge } from './examine.ts'
import { resultOf } from './result-of.ts'

const makeId = systemIdMaker()

export const requestDataTool = defineTool({
  name: 'request_data',
  description:
    'Ends the run by asking the user for exactly what is missing: the fields, why, the format, a sample, how to export them; or one question with choices.',
  effect: 'idempotent',
  input: z.object({}),
  conclude: (output) => SettledOutput.parse(output),
  execute: async (_, context) => {
    const triage = TriageOutput.parse(resultOf(context, 'triage'))
    const asked = triage.decision === 'ask' ? askOf(triage) : await askFor(context)
    const request: EventData<'data_requested'> = { requestId: makeId('request'), ...asked.request }
    const output: SettledOutput = {
      outcome: 'needs_data',
      summary: asked.summary,
      text: requestText(asked.question, request, asked.why),
    }
    const events: NewEvent[] = [{ type: 'data_requested', data: request }]
    return { output, events }
  },
})

interface Ask {
  readonly question: string
  readonly why: string
  readonly summary: string
  readonly request: Omit<EventData<'data_requested'>, 'requestId'>
}

function askOf(triage: Extract<TriageOutput, { decision: 'ask' }>): Ask {
  return {
    question: triage.question,
    why: '',
    summary: triage.why,
    request: {
      playbook: '',
      sufficiency: 'ambiguous',
      items: [],
      question: triage.ask,
    },
  }
}

async function askFor(context: ToolContext): Promise<Ask> {
  const judged = await judge(context, playbookOf(context))
  if (judged.limits !== null && judged.verdict.view.rows === 0) return nothingLeft(judged)
  const { playbook, verdict, thread, unreadable } = judged
  const fields = requestItems(playbook, verdict)
  // A playbook that needs no particular field still needs a table.
  const items = fields.length === 0 && verdict.question === null ? [tableItem] : [...fields]
  const troubles = unreadable.map(({ file, why }) => `${file.name} could not be used: ${why}`)
  const question = verdict.question
  const why = [...troubles, ...verdict.notes].join('\n\n')
  return {
    question: thread.question,
    why,
    summary: question === null ? `Needs ${items.map(({ field }) => field).join(', ')}` : question.text,
    request: {
      playbook: playbook.id,
      sufficiency: verdict.sufficiency,
      items: question === null ? items : [],
      ...(question === null ? { template: templateOf(playbook, verdict, items) } : {}),
      ...(question === null ? {} : { question }),
    },
  }
}

/** Not a lack of data: the question is about rows that the files do not have. */
function nothingLeft({ playbook, thread, mappings, limits }: Judged): Ask {
  const spans = mappings.flatMap(({ fileName, span }) =>
    span === null ? [] : [`${fileName} reaches from ${span.from.slice(0, 10)} to ${span.to.slice(0, 10)}`],
  )
  const why = `No row fits this: ${limits}. ${spans.join('; ')}${spans.length === 0 ? '' : '.'}`.trim()
  const choices = playbook.asks.slice(0, 2).map((ask) => ({ value: ask, label: ask }))
  return {
    question: thread.question,
    why: '',
    summary: why,
    request: {
      playbook: '',
      sufficiency: 'ambiguous',
      items: [],
      question: { id: 'instead', text: `${why} You could ask about all rows instead:`, choices },
    },
  }
}

const tableItem: DataRequestItem = {
  field: 'file',
  why: 'This thread holds no table with rows in it.',
  format: 'CSV, TSV, JSON, JSONL, Parquet or xlsx; the text formats also as gzip',
  sample: 'timestamp,model,tenant,cost_usd',
  howTo: [],
  unlocks: 'an overview of the table and any question about its columns',
}

/** The playbook that was checked last: what is missing is missing for it. */
function playbookOf(context: ToolContext): string {
  return z.object({ playbook: z.string() }).parse(resultOf(context, 'check_sufficiency')).playbook
}
