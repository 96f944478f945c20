import { describe, expect, test } from 'vitest'
import { readChoice } from './question-choices.ts'

const unit = {
  id: 'unit:duration',
  text: 'In which unit?',
  choices: [
    { value: 'ms', label: 'milliseconds (the median would be 110 ms)' },
    { value: 's', label: 'seconds (the median would be 110 s)' },
  ],
}
const column = {
  id: 'column:cost_usd',
  text: 'Which column?',
  choices: [
    { value: 'cost', label: 'cost (1.5, …)' },
    { value: 'cost_total', label: 'cost_total (1.7, …)' },
    { value: 'Billed Cost', label: 'Billed Cost (1.9, …)' },
  ],
}
const dates = {
  id: 'date:date',
  text: 'Day or month first?',
  choices: [
    { value: 'dmy', label: 'day first' },
    { value: 'mdy', label: 'month first' },
  ],
}
const yesNo = {
  id: 'column:latency_ms',
  text: 'Is "took" how long …?',
  choices: [
    { value: 'took', label: 'took (1, 2, …)' },
    { value: 'none', label: 'no, none of the columns' },
  ],
}

const playbook = {
  id: 'batch:waiting',
  text: 'Is it acceptable to wait up to 24 hours for the answers of nightly_summaries?',
  choices: [
    { value: 'yes', label: 'yes, they may wait' },
    { value: 'no', label: 'no, somebody waits for them' },
  ],
}

const isQuestion = (text: string) => /\b(?:cost|slow|average|wait|where)\b/u.test(text)

describe('readChoice', () => {
  test.each([
    ['seconds', unit, 's'],
    ['ms', unit, 'ms'],
    ["it's in milliseconds", unit, 'ms'],
    ['The second one', unit, 's'],
    ['1', unit, 'ms'],
    ['option 2', unit, 's'],
    ['It is sec.', unit, 's'],
    ['the latter', unit, 's'],
    ['use cost_total please', column, 'cost_total'],
    ['cost', column, 'cost'],
    ['the billed cost', column, 'Billed Cost'],
    ['the third', column, 'Billed Cost'],
    ['the last one', column, 'Billed Cost'],
    ['day first', dates, 'dmy'],
    ['month', dates, 'mdy'],
    ['yes', yesNo, 'took'],
    ['no', yesNo, 'none'],
    ['cost_total, since it includes tax', column, 'cost_total'],
    ['the numbers are in milliseconds', unit, 'ms'],
    ['month first please', dates, 'mdy'],
    ['yes, they can wait', playbook, 'yes'],
    ['no, somebody waits', playbook, 'no'],
  ] as const)('%s', (message, question, expected) => {
    expect(readChoice({ ...question, choices: [...question.choices] }, message, isQuestion)).toBe(expected)
  })

  test.each([
    ['what do you mean?', unit],
    ['ms or seconds, who knows', unit],
    ['3', unit],
    ['where does the money go', column],
    ['cost_total or billed cost', column],
    ['maybe', yesNo],
    ['average cost over the last 7 days of the data', unit],
    ['the second half of October', unit],
    ['average latency in ms by model', unit],
    ['cost by month', dates],
    ['no idea what you mean', yesNo],
    ['no, where does the money go', yesNo],
    ['yes and explain the cost', yesNo],
    ['total cost by model', column],
  ] as const)('not a choice: %s', (message, question) => {
    expect(readChoice({ ...question, choices: [...question.choices] }, message, isQuestion)).toBeNull()
  })
})
