import { contract } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { diffContracts } from './diff.ts'

type Loose = Record<string, never>
const fresh = () => JSON.parse(JSON.stringify(contract())) as Loose

function changed(change: (contract: Loose) => void) {
  const after = fresh()
  change(after)
  return diffContracts(fresh(), after).changes
}

/** The value at a path of keys, to be changed. */
const at = (value: unknown, ...path: readonly (string | number)[]): Record<string, unknown> =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], value) as Record<
    string,
    unknown
  >

const kinds = (changes: readonly { kind: string; rule: string }[]) =>
  changes.map(({ kind, rule }) => `${kind}: ${rule}`)

test('a contract and itself: nothing', () => {
  expect(diffContracts(fresh(), fresh()).changes).toEqual([])
  expect(diffContracts(fresh(), fresh()).says).toBe(
    'Breaking: 0 of 0 changes (0 additive, 0 compatible, 0 unclassified)',
  )
})

describe('what a client gets', () => {
  test.each<[string, (contract: Loose) => void, string]>([
    [
      'a field that is gone',
      (c) => {
        delete at(c, 'frames', 'serverToClient', 'live', 'properties')['at']
      },
      'breaking: field removed',
    ],
    [
      'a field that may be missing',
      (c) => {
        at(c, 'frames', 'serverToClient', 'ping')['required'] = ['type']
      },
      'breaking: made optional',
    ],
    [
      'a field that may be null',
      (c) => {
        at(c, 'frames', 'serverToClient', 'ping', 'properties', 'n')['type'] = ['integer', 'null']
      },
      'breaking: type widened',
    ],
    [
      'a new value of a closed set',
      (c) => {
        ;(at(c, 'frames', 'serverToClient', 'sub_err', 'properties', 'code')['enum'] as string[]).push(
          'maybe',
        )
      },
      'breaking: enum widened',
    ],
    [
      'a new frame',
      (c) => {
        at(c, 'frames', 'serverToClient')['hint'] = { type: 'object' }
      },
      'breaking: added',
    ],
    [
      'a new field',
      (c) => {
        at(c, 'frames', 'serverToClient', 'ping', 'properties')['at'] = { type: 'string' }
      },
      'additive: field added',
    ],
    [
      'a new type of event, of an open set',
      (c) => {
        ;(at(c, 'events', 'schema')['oneOf'] as object[]).push({
          properties: { type: { const: 'agent_paused' } },
        })
      },
      'additive: member added',
    ],
    [
      'a type of event that is gone',
      (c) => {
        ;(at(c, 'events', 'schema')['oneOf'] as object[]).pop()
      },
      'breaking: member removed',
    ],
    [
      'another close code',
      (c) => {
        delete at(c, 'closeCodes')['4008']
      },
      'breaking: code removed',
    ],
    [
      'another way to come back',
      (c) => {
        at(c, 'closeCodes', '4008')['retry'] = 'never'
      },
      'breaking: code changed',
    ],
    [
      'another status',
      (c) => {
        at(c, 'errorCodes', 'not_found')['status'] = 410
      },
      'breaking: code changed',
    ],
    [
      'another title',
      (c) => {
        at(c, 'errorCodes', 'not_found')['title'] = 'Gone'
      },
      'compatible: code changed',
    ],
  ])('%s', (_, change, expected) => {
    expect(kinds(changed(change))).toEqual([expected])
  })
})

describe('what a client sends', () => {
  test.each<[string, (contract: Loose) => void, string]>([
    [
      'a field that has to be there now',
      (c) => {
        ;(at(c, 'frames', 'clientToServer', 'hello')['required'] as string[]).push('auth')
      },
      'breaking: newly required',
    ],
    [
      'a value that is not taken any more',
      (c) => {
        ;(at(c, 'resources', 'SubmitRun', 'properties', 'whenBusy')['enum'] as string[]).pop()
      },
      'breaking: enum narrowed',
    ],
    [
      'a value more',
      (c) => {
        ;(at(c, 'resources', 'SubmitRun', 'properties', 'whenBusy')['enum'] as string[]).push('drop')
      },
      'additive: enum widened',
    ],
    [
      'a shorter text',
      (c) => {
        at(c, 'resources', 'SubmitRun', 'properties', 'message')['maxLength'] = 10
      },
      'breaking: bound tighter',
    ],
    [
      'a longer text',
      (c) => {
        at(c, 'resources', 'SubmitRun', 'properties', 'message')['maxLength'] = 1e6
      },
      'compatible: bound wider',
    ],
    [
      'a lower limit',
      (c) => {
        at(c, 'limits')['frameBytes'] = 10
      },
      'breaking: limit lowered',
    ],
    [
      'a higher limit',
      (c) => {
        at(c, 'limits')['frameBytes'] = 1e9
      },
      'compatible: limit raised',
    ],
  ])('%s', (_, change, expected) => {
    expect(kinds(changed(change))).toEqual([expected])
  })
})

test('what no rule names is never taken for harmless', () => {
  for (const change of [
    (c: Loose) => {
      at(c, 'resources', 'Run')['unevaluatedProperties'] = false
    },
    (c: Loose) => {
      at(c, 'resources', 'Run', 'properties', 'id')['pattern'] = '^x'
    },
    (c: Loose) => {
      at(c, 'limits')['moodsPerDay'] = 3
    },
    (c: Loose) => {
      ;(c as Record<string, unknown>)['feelings'] = {}
    },
  ])
    expect(changed(change).map(({ kind }) => kind)).toEqual(['unclassified'])
})

describe('one schema that has become several', () => {
  const text = { type: 'string' }
  const path = ['frames', 'clientToServer', 'unsub', 'properties', 'stream'] as const
  const becomes = (schema: object, before: object = text) => {
    const [old, now] = [fresh(), fresh()]
    at(old, ...path.slice(0, -1))['stream'] = before
    at(now, ...path.slice(0, -1))['stream'] = schema
    return kinds(diffContracts(old, now).changes)
  }

  test('of which it is none: nobody can tell from here, and it is not harmless', () => {
    expect(becomes({ anyOf: [{ type: 'number' }, { type: 'boolean' }] })).toEqual([
      'unclassified: one or several',
    ])
    expect(becomes({ oneOf: [text], minLength: 3 })).toEqual(['unclassified: one or several'])
  })

  test('of which it is one: more may be sent; and back again: less', () => {
    const maybe = { anyOf: [text, { type: 'null' }] }
    expect(becomes(maybe, { ...text, description: 'words' })).toEqual(['additive: member added'])
    expect(becomes(text, maybe)).toEqual(['breaking: member removed'])
  })
})
