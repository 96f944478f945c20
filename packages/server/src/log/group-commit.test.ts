import { systemIdMaker } from '@holdfast/protocol'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { groupLimits, groupSize, openGroupCommit } from './group-commit.ts'
import type { PreparedCommand } from './prepare-command.ts'
import { prepareCommand } from './prepare-command.ts'
import type { AppendOutcome } from './store-group.ts'

const makeId = systemIdMaker()
const [threadId, runId] = [makeId('thread'), makeId('run')]

function command(producerKey: string, events = 1): PreparedCommand {
  const event = { type: 'message_delta', data: { messageId: makeId('message'), text: '' } } as const
  return prepareCommand(
    {
      threadId,
      runId,
      agent: 'a',
      producerKey,
      fence: null,
      events: Array.from({ length: events }, () => event),
    },
    makeId,
  )
}

const stored: AppendOutcome = { kind: 'stored', events: [] }
const keysOf = (group: readonly PreparedCommand[]): string[] =>
  group.map(({ command: { producerKey } }) => producerKey)

function databaseError(code: string, constraint?: string): Error {
  const error = new pg.DatabaseError(`SQLSTATE ${code}`, 0, 'error')
  error.code = code
  error.constraint = constraint
  return error
}

describe('the size of a group', () => {
  test('is at most groupLimits.events events', () => {
    const queue = Array.from({ length: 300 }, (_, index) => command(`${index}`))
    expect(groupSize(queue, groupLimits.events)).toBe(256)
    expect(groupSize([command('a', 200), command('b', 56), command('c')], 256)).toBe(2)
    expect(groupSize([command('a', 200), command('b', 57)], 256)).toBe(1)
  })

  test('is one command at least, however many events it has', () => {
    expect(groupSize([command('a', 300), command('b')], 256)).toBe(1)
  })

  test('[L5] ends before the second command of one key', () => {
    expect(groupSize([command('a'), command('b'), command('a'), command('c')], 256)).toBe(2)
  })
})

describe('group commit', () => {
  test('sends a command that comes alone at once, and what gathers meanwhile together', async () => {
    const groups: string[][] = []
    const gates: (() => void)[] = []
    await using group = openGroupCommit(async (commands) => {
      groups.push(keysOf(commands))
      await new Promise<void>((resolve) => gates.push(resolve))
      return commands.map(() => stored)
    })
    const first = group.add(command('1'))
    await expect.poll(() => groups).toEqual([['1']])
    const rest = ['2', '3', '4'].map((key) => group.add(command(key)))
    gates[0]?.()
    await first
    await expect.poll(() => groups).toEqual([['1'], ['2', '3', '4']])
    gates[1]?.()
    await Promise.all(rest)
  })

  test('where the database refuses a statement, each command stands for itself', async () => {
    await using group = openGroupCommit(async (commands) => {
      if (keysOf(commands).includes('bad')) throw databaseError('22P05')
      return commands.map(() => stored)
    })
    const results = await Promise.allSettled(['1', 'bad', '2'].map((key) => group.add(command(key))))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  test('a lost connection is everybody’s: nothing is tried again, each is told', async () => {
    let calls = 0
    await using group = openGroupCommit(async () => {
      calls += 1
      throw new Error('Connection terminated unexpectedly')
    })
    const results = await Promise.allSettled(['1', '2', '3'].map((key) => group.add(command(key))))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(calls).toBe(1)
  })

  test('[L5] a key that another writer stores at the same moment is tried again, at most keyRaces times', async () => {
    let calls = 0
    let races = 1
    await using group = openGroupCommit(async (commands) => {
      calls += 1
      if (races > 0) {
        races -= 1
        throw databaseError('23505', 'events_producer')
      }
      return commands.map(() => ({ kind: 'repeated' }) as const)
    })
    expect(await group.add(command('k'))).toEqual({ kind: 'repeated' })
    expect(calls).toBe(2)
    calls = 0
    races = Number.POSITIVE_INFINITY
    await expect(group.add(command('k'))).rejects.toMatchObject({ code: '23505' })
    expect(calls).toBe(1 + groupLimits.keyRaces)
  })

  test('the end waits for what was added, and refuses what comes later', async () => {
    const gate = Promise.withResolvers<void>()
    const group = openGroupCommit(async (commands) => {
      await gate.promise
      return commands.map(() => stored)
    })
    const added = group.add(command('1'))
    const ended = group[Symbol.asyncDispose]()
    await expect(group.add(command('2'))).rejects.toMatchObject({ code: 'not_ready' })
    gate.resolve()
    await ended
    expect(await added).toEqual(stored)
  })
})
