import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { playbooks } from './playbooks/playbooks.ts'
import { openTestTable, sharedData, type TestTable } from './questions/test-table.ts'
import { levelCandidates, triage, triageQuestion } from './triage.ts'

const wordings = {
  cost_breakdown: [
    'Where does the money go?',
    'cost breakdown',
    'Why is our bill so high?',
    'whats eating our budget',
    'what are we paying for',
    'which customers cost us the most and why',
    'Break down our spending by model and feature',
    'waht is driving our expences',
    'too expensive!! where can we save',
    'who burns the most cash',
    'show me spend',
    'How much are we spending on AI?',
    'what does each team cost',
    'explain the charges please',
    'what should we change to make it cheaper',
    'cosst breakdwn',
    'llm costs',
    'What is our biggest cost driver?',
  ],
  latency_tail: [
    'Why is it slow, what is our p95?',
    'p99?',
    'why does it take so long to answer',
    'our chatbot is sluggish',
    'users complain about waiting',
    'What are our response times?',
    'latncy',
    'tail latency',
    'how long do people wait',
    'is it fast enough',
    'which model is slowest and when',
    'when was it slow last week',
    'time to first token',
    'what is our p95 latency?',
    'it hangs sometimes, what is going on',
    'laggy responses',
    'how quick are the answers',
    'performance of our models',
  ],
  capacity: [
    'What is our peak load in requests and tokens per minute?',
    'peak rpm and tpm',
    'Are we near our rate limits?',
    'how much headroom do we have',
    'busiest minute',
    'when is rush hour and how busy does it get',
    'what throughput do we need',
    'requests per minute',
    'how much traffic do we have at once',
    'how bursty is our load',
    'which quota should we ask for',
    'can we handle twice the demand',
    'What capacity should we provision?',
    'throughptu per second',
    'max concurrent requests',
    'peek load', // a slip
    'how spiky is the traffic',
  ],
  month_over_month: ['our invoice doubled, what happened', 'why did it go up'],
  errors_retries: ['Why do some requests time out?', 'do we get throttled'],
  any_table: [
    'what is in this file?',
    'describe this data',
    'summarise the table',
    'give me an overview',
    'which columns do we have',
    'any missing values?',
    'are there duplicate rows',
    'explore',
    'what does this csv contain',
    'show the schema',
    'what can you tell me about this dataset',
    'sumarize the file for me',
    'stats please',
    'tell me about my spreadsheet',
    'is the data quality ok',
    'are any columns correlated',
    'inspect the contents',
  ],
} as const

const table = Object.entries(wordings).flatMap(([playbook, questions]) =>
  questions.map((question) => [playbook, question] as const),
)

describe('triage by words alone', () => {
  it.each(table)('%s: %s', (playbook, question) => {
    const result = triage(question, { playbooks, profiles: [] })
    expect(result.candidates[0]?.playbook).toBe(playbook)
    expect(levelCandidates(result.candidates).map((candidate) => candidate.playbook)).toEqual([playbook])
    expect(result.unrelated).toBe(false)
  })

  it.each([
    'write me a poem',
    'write me a poem about latency and cost',
    'what is the capital of France',
    'hello',
    'who are you',
    'tell me a joke',
    'what is the weather like today',
    '',
    '????',
  ])('unrelated: %s', (question) => {
    const result = triage(question, { playbooks, profiles: [] })
    expect(result.unrelated).toBe(true)
    expect(result.candidates).toEqual([])
  })

  it.each([
    ['how slow and how expensive is it', ['cost_breakdown', 'latency_tail']],
    ['latency and throughput', ['capacity', 'latency_tail']],
  ])('level: %s', (question, expected) => {
    const { candidates } = triage(question, { playbooks, profiles: [] })
    const level = levelCandidates(candidates)
    expect(level.map((candidate) => candidate.playbook).sort()).toEqual(expected)
    const asked = triageQuestion(level, playbooks)
    expect(asked.id).toBe('playbook')
    expect(asked.choices.map((choice) => choice.value).sort()).toEqual(expected)
  })

  it('a playbook that is named by its title is meant, whatever else is spoken of', () => {
    const { candidates } = triage('cost breakdown of failed requests', { playbooks, profiles: [] })
    expect(levelCandidates(candidates).map(({ playbook }) => playbook)).toEqual(['cost_breakdown'])
  })

  it('trusts no playbook with what none computes', () => {
    expect(triage('forecast our cost', { playbooks, profiles: [] }).candidates[0]?.score).toBeLessThan(0.5)
  })
})

const generic = sharedData('synthetic-exports/generic_requests.csv')

describe.skipIf(!generic.present)('triage with generic_requests.csv at hand (needs ../shared/data)', () => {
  let data: TestTable
  beforeAll(async () => {
    data = await openTestTable({ path: generic.path })
  })
  afterAll(() => data[Symbol.asyncDispose]())

  it.each([
    'average latency by tenant',
    'total cost by model for tenant acme',
    'how many requests failed',
    'total cost',
    'p95 latency by model',
    'requests per day',
    'how many rows',
    'what does each team cost',
    'how much did globex spend in October',
  ])('a closed question is a simple one: %s', (question) => {
    const result = triage(question, { playbooks, profiles: [data.profile] })
    expect(levelCandidates(result.candidates).map((candidate) => candidate.playbook)).toEqual(['any_table'])
    expect(result.simple).not.toBeNull()
  })

  // With the columns at hand this one is a plain figure by a plain group.
  const closed = 'what does each team cost'

  it.each(table.filter(([, question]) => question !== closed))(
    'an open question keeps its playbook: %s: %s',
    (playbook, question) => {
      const result = triage(question, { playbooks, profiles: [data.profile] })
      expect(levelCandidates(result.candidates)[0]?.playbook).toBe(playbook)
    },
  )

  it('says why a question that names columns is not understood, and what could be asked', () => {
    const result = triage('ratio of completion_tokens to prompt_tokens', {
      playbooks,
      profiles: [data.profile],
    })
    expect(result.candidates[0]?.playbook).toBe('any_table')
    expect(result.simple).toBeNull()
    expect(result.notSimple?.why).toContain('ratio')
    expect(result.notSimple?.nearest.length).toBeGreaterThan(0)
  })

  it.each(wordings.any_table)('asks for an overview: %s', (question) => {
    expect(triage(question, { playbooks, profiles: [data.profile] }).overview).toBe(true)
  })

  it.each([
    'average foo of this file',
    'average latency by tenant',
    'ratio of columns by model',
    'Where does the money go?',
  ])('does not ask for an overview: %s', (question) => {
    expect(triage(question, { playbooks, profiles: [data.profile] }).overview).toBe(false)
  })

  it('passes on the choice between level columns', () => {
    const result = triage('total tokens by model', { playbooks, profiles: [data.profile] })
    expect(result.candidates[0]?.playbook).toBe('any_table')
    expect(result.question?.choices).toHaveLength(3)
  })

  it('asks which file is meant where two can answer', () => {
    const other = {
      ...data.profile,
      fileId: 'fil_01JD0000000000000000000002' as never,
      fileName: 'other.csv',
    }
    const context = { playbooks, profiles: [data.profile, other] }
    const asked = triage('average latency by tenant', context)
    expect(asked.question?.id).toBe('file')
    const chosen = triage('average latency by tenant', {
      ...context,
      choices: new Map([['file', 'other.csv']]),
    })
    expect(chosen.simple?.fileName).toBe('other.csv')
  })
})
