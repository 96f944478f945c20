import type { Question } from '@holdfast/protocol'
import { systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import type { EarlierRun } from '../../tools/define-tool.ts'
import { bringsData, threadQuestion } from './thread-question.ts'

const makeId = systemIdMaker()
const unit: Question = {
  id: 'unit:duration',
  text: 'Which unit?',
  choices: [
    { value: 'ms', label: 'milliseconds' },
    { value: 's', label: 'seconds' },
  ],
}

function run(
  text: string,
  request: Partial<NonNullable<EarlierRun['request']>> | null = null,
  files: EarlierRun['message']['files'] = [],
): EarlierRun {
  return {
    message: { id: makeId('message'), text, files },
    outcome: request === null ? 'answered' : 'needs_data',
    answer: '',
    request:
      request === null
        ? null
        : {
            requestId: makeId('request'),
            playbook: 'latency_tail',
            sufficiency: 'insufficient',
            items: [],
            ...request,
          },
  }
}

const readChoice = (question: Question, text: string) =>
  question.choices.find(({ value }) => value === text)?.value ?? null
const isQuestion = (text: string) => text.endsWith('?')
const read = (earlier: readonly EarlierRun[], text: string, files: EarlierRun['message']['files'] = []) =>
  threadQuestion(earlier, { text, files }, readChoice, isQuestion)
const asks = (id: string, ...values: readonly string[]): Question => ({
  id,
  text: 'Which?',
  choices: values.map((value) => ({ value, label: value })),
})

describe('what a thread is asking', () => {
  test('a first message is its own question', () => {
    expect(read([], 'here is a file')).toMatchObject({ question: 'here is a file', openRequest: null })
  })

  test('a message that brings the missing file continues the question that waited for it', () => {
    const read1 = read([run('Why is it slow?', {})], 'here it is')
    expect(read1.question).toBe('Why is it slow?')
    expect(read1.openRequest).not.toBeNull()
  })

  test('a new question replaces the one that waited', () => {
    expect(read([run('Why is it slow?', {})], 'What does it cost?').question).toBe('What does it cost?')
  })

  test('a choice is remembered, and the question it belongs to is answered', () => {
    const { question, choices } = read([run('Why is it slow?', { question: unit })], 's')
    expect(question).toBe('Why is it slow?')
    expect([...choices]).toEqual([['unit:duration', 's']])
  })

  test('choices of the whole thread stay, and a question waits over several replies', () => {
    const earlier = [run('Why is it slow?', {}), run('here it is', { question: unit }), run('ms')]
    expect([...read(earlier, 'And the p99?').choices]).toEqual([['unit:duration', 'ms']])
    expect(read(earlier.slice(0, 2), 'ms').question).toBe('Why is it slow?')
  })

  test('a request stays open while something else is asked, and the file that comes later goes on with it', () => {
    const earlier = [run('Why is it slow?', {}), run('How many rows are there?')]
    const later = read(earlier, 'here is the file with latencies')
    expect(later.question).toBe('Why is it slow?')
    expect(later.openRequest).toEqual(earlier[0]?.request)
    expect(read(earlier, 'thank you')).toMatchObject({ question: 'thank you', openRequest: null })
    // What was answered is closed.
    const answered = [...earlier, run('here is the file with latencies')]
    expect(read(answered, 'here is another file')).toMatchObject({ openRequest: null })
  })

  test('which playbook is meant holds for the question it was asked of, and for no other', () => {
    const which = asks('playbook', 'cost_breakdown', 'latency_tail')
    const chosen = [run('How slow and dear is it?', { question: which }), run('cost_breakdown')]
    expect([...read(chosen.slice(0, 1), 'cost_breakdown').choices]).toEqual([['playbook', 'cost_breakdown']])
    expect([...read(chosen, 'How many requests failed?').choices]).toEqual([])
    expect([...read(chosen, 'write me a poem').choices]).toEqual([])
  })

  test.each(['whole', 'instead'])('an example that %s offers is asked when it is taken', (id) => {
    const offer = asks(id, 'Where does the money go?', 'Why is it slow?')
    const declined = run('How much for umbrella?', { question: offer })
    const taken = read([declined], 'Why is it slow?')
    expect(taken.question).toBe('Why is it slow?')
    expect([...taken.choices]).toEqual([])
    // What is no question by itself is not the declined one once more; a file may make that one answerable.
    expect(read([declined], 'hello').question).toBe('hello')
    expect(read([declined], 'here is another file').question).toBe('How much for umbrella?')
  })

  test('which file is meant is asked again once there is another one', () => {
    const [first, second, third] = [makeId('file'), makeId('file'), makeId('file')]
    const which = asks('file', 'a.csv', 'b.csv')
    const earlier = [
      run('Total cost?', { question: which }, [first, second]),
      run('a.csv', null, [first, second]),
    ]
    expect([...read(earlier, 'Total rows?', [first, second]).choices]).toEqual([['file', 'a.csv']])
    expect([...read(earlier, 'Total rows?', [first, second, third]).choices]).toEqual([])
  })

  test('after an answer, words without a question are a message of their own', () => {
    expect(read([run('Why is it slow?')], 'thank you').question).toBe('thank you')
  })
})

describe('a message that brings data and asks for nothing', () => {
  test.each([
    'here is the usage export with latency',
    'Attached.',
    "I've uploaded the file",
    'sorry, wrong file. here is the right one',
    'Oops wrong file',
    'That was the wrong export, this is the correct file',
  ])('%s', (text) => expect(bringsData(text)).toBe(true))

  test.each(['', 'here it is, what does it cost?', 'what is wrong in this file', 'sorry, why is it slow'])(
    'asks: %s',
    (text) => expect(bringsData(text)).toBe(false),
  )
})
