import { systemIdMaker } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ToolContext } from '../../tools/define-tool.ts'
import type { FileProfile } from '../../workspace/file-profile.ts'
import { openConversation } from './testing/conversation.ts'
import { openFiles, type TestFiles } from './testing/open-files.ts'
import { checkSufficiencyTool } from './tools/check-sufficiency.ts'

/** A month of a log with three customers; each day costs as many cents as the day has number. */
function month(name: string): string {
  const rows = Array.from({ length: 30 }, (_, day) =>
    ['acme', 'globex', 'initech'].map((tenant) => {
      const date = String(day + 1).padStart(2, '0')
      return `${name}-${date}T08:00:00Z,gpt-5,${tenant},200,900,200,${((day + 1) / 300).toFixed(6)},1200`
    }),
  ).flat()
  return ['timestamp,model,tenant,status,prompt_tokens,completion_tokens,cost_usd,latency_ms', ...rows].join(
    '\n',
  )
}

describe('what was settled in a thread', () => {
  let files: TestFiles
  let usage: FileProfile
  beforeAll(async () => {
    files = await openFiles()
    usage = await files.profile('usage.csv', month('2026-09'))
  })
  afterAll(() => files[Symbol.asyncDispose]())

  test('which playbook was meant decides no other question', async () => {
    const talk = openConversation(files)
    expect((await talk.say('how slow and how expensive is it', usage)).request?.question?.id).toBe('playbook')
    expect((await talk.say('cost_breakdown')).playbook).toBe('cost_breakdown')
    expect((await talk.say('how many requests failed?')).playbook).toBe('any_table')
    expect((await talk.say('write me a poem')).request?.question?.id).toBe('instead')
  })

  test('a playbook that was chosen limits itself like one that was clear', async () => {
    const talk = openConversation(files)
    await talk.say('how slow and how expensive is it for umbrella', usage)
    expect((await talk.say('cost_breakdown')).request?.question?.id).toBe('whole')
  })

  test('an example that is offered in place of a question is answered when it is taken', async () => {
    const talk = openConversation(files)
    const declined = await talk.say('cost breakdown for umbrella', usage)
    expect(declined.request?.question?.id).toBe('whole')
    const [example] = declined.request?.question?.choices ?? []
    expect((await talk.say(example?.label ?? '')).report?.playbook).toBe('cost_breakdown')
  })

  test('the last days of the data are those of the last file', async () => {
    const talk = openConversation(files)
    const september = await files.profile('september.csv', month('2026-09'))
    const october = await files.profile('october.csv', month('2026-10'))
    const { report } = await talk.say('cost breakdown of the last 7 days of the data', september, october)
    expect(report?.title).toContain('from 2026-10-24')
    const total = report?.queries.find(({ id }) => id === 'cost_total')
    // Three customers each pay a third of the cents: 24 + … + 30.
    expect(total?.rows[0]?.[total.columns.indexOf('cost_usd')]).toBeCloseTo(1.89, 4)
  })

  test('an answer about one of several files says which', async () => {
    const talk = openConversation(files)
    const people = await files.profile('people.csv', 'name,age\nann,30\nbob,40')
    const { report } = await talk.say('average age', usage, people)
    expect(report?.text).toContain('in people.csv')
    expect(report?.coverage).toMatchObject([{ used: false }, { used: true }])
  })

  test('no tool computes over all rows what is about some that cannot be told', async () => {
    const makeId = systemIdMaker()
    const message = { id: makeId('message'), text: 'cost breakdown for umbrella', files: [usage.fileId] }
    const workspace = {
      files: async () => [{ id: usage.fileId, name: usage.fileName }],
      profile: async () => usage,
    }
    // What this tool uses of its context.
    const context = { message, earlier: [], workspace } as unknown as ToolContext
    const { output } = await checkSufficiencyTool.execute({ playbook: 'cost_breakdown' }, context)
    expect(output).toMatchObject({ sufficiency: 'ambiguous', question: expect.stringContaining('umbrella') })
  })
})
