import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { playbooks } from '../../packages/server/src/agents/data-helper/playbooks/playbooks.ts'
import { openFiles, type TestFiles } from '../../packages/server/src/agents/data-helper/testing/open-files.ts'
import { sharedData } from '../../packages/server/src/agents/data-helper/testing/shared-data.ts'
import { declined, paraphrases, unlimited } from './asked.ts'
import { formatMatrix } from './formats.ts'
import { judge, type Said, share } from './score.ts'
import { formatVerdicts, leaveOneOut, requiredWithoutCase } from './verdicts.ts'
import { wordings } from './wordings.ts'

/** The part of `npm run eval` that takes seconds. The whole of it is run before a release. */
const wrong = (results: ReturnType<typeof paraphrases>) =>
  results.filter(({ judgement }) => judgement !== 'right')

describe('the score can be missed', () => {
  const answer = (value: number): Said => ({ kind: 'answer', figures: { value } })
  const request = (...fields: readonly string[]): Said => ({ kind: 'request', fields })
  const question = (id: string): Said => ({ kind: 'question', id })
  test.each([
    [answer(0.071245), answer(0.071245), 'right'],
    [answer(0.071245), answer(0.071255), 'confident_wrong'],
    [answer(24.12), answer(2_412), 'confident_wrong'],
    [answer(1), request('time'), 'needless_question'],
    [answer(1), question('unit:latency'), 'needless_question'],
    [request('time'), request('time'), 'right'],
    [request('time'), request('time', 'model'), 'missed'],
    [request('time'), question('unit:latency'), 'missed'],
    [request('time'), answer(1), 'confident_wrong'],
    [question('unit:latency'), question('unit:latency'), 'right'],
    [question('unit:latency'), question('unit:cost'), 'missed'],
    [question('unit:latency'), answer(1), 'confident_wrong'],
    [{ kind: 'nothing', why: '' }, answer(1), 'confident_wrong'],
  ] as const)('%j, came %j: %s', (expected, came, judgement) => {
    expect(judge(expected, came)).toBe(judgement)
  })

  test('one confident wrong answer costs what two right ones earn', () => {
    const result = (judgement: 'right' | 'confident_wrong') => ({ area: '', name: '', judgement, detail: '' })
    expect(share([result('right'), result('right'), result('confident_wrong')])).toBe(0)
  })
})

describe('wordings', () => {
  test('there are at least 15 for each playbook, and none is one of its own', () => {
    for (const { id, asks } of playbooks) {
      expect(new Set(wordings[id]).size).toBeGreaterThanOrEqual(15)
      for (const ask of asks) expect(wordings[id]).not.toContain(ask)
    }
  })

  test('each reaches its playbook', () => {
    expect(wrong(paraphrases())).toEqual([])
  })

  test('each is about all rows, or is known to be about some', () => {
    expect(wrong(unlimited())).toEqual([])
  })

  test('what is for somebody else is declined', () => {
    expect(wrong(declined())).toEqual([])
  })
})

test('every required field of every playbook has a case in which it is left out', () => {
  expect(requiredWithoutCase()).toEqual([])
})

describe.skipIf(!sharedData.present)('verdicts (needs ../shared/data)', () => {
  let files: TestFiles
  beforeAll(async () => {
    files = await openFiles()
  })
  afterAll(() => files[Symbol.asyncDispose]())

  test.each(Object.keys(formatMatrix))('%s with all twelve playbooks', async (file) => {
    const profile = await files.profile(sharedData.path(`synthetic-exports/${file}`))
    expect(wrong(formatVerdicts(file, profile))).toEqual([])
  })

  test('a column left out: exactly that field is asked for', async () => {
    const profile = await files.profile(sharedData.path('synthetic-exports/generic_requests.csv'))
    expect(wrong(leaveOneOut(profile))).toEqual([])
  })
})
