import type { EventData, EventId, EventType, MakeId } from '@holdfast/protocol'
import { HoldfastError, limits } from '@holdfast/protocol'
import { eventBytes } from './event-size.ts'
import type { RunCommand } from './run-change.ts'

/** A command that has passed every check that needs no database, with what is made for its events. */
export interface PreparedCommand {
  readonly command: RunCommand
  readonly events: readonly {
    readonly id: EventId
    readonly type: EventType
    readonly data: EventData<EventType>
    readonly dataText: string
  }[]
}

/** Event n of a command is stored under its producer key and n (L5). */
export const eventKey = (producerKey: string, index: number): string => `${producerKey}/${index}`

/** @throws {HoldfastError} payload_too_large: an event over limits.eventBytes (L7) */
export function prepareCommand(command: RunCommand, makeId: MakeId): PreparedCommand {
  const { agent, fence, runId } = command
  if (command.events.length === 0) throw new Error('An append holds at least one event')
  if (fence !== null && fence.runId !== runId)
    throw new Error(`An append to ${runId} cannot act under a lease of ${fence.runId}`)
  const events = command.events.map(({ type, data }) => {
    const dataText = JSON.stringify(data)
    const bytes = eventBytes(agent, type, dataText)
    if (bytes > limits.eventBytes)
      throw new HoldfastError(
        'payload_too_large',
        `A ${type} event of ${bytes} bytes is over the limit of ${limits.eventBytes}; ` +
          'store what is large as an artifact and refer to it',
      )
    return { id: makeId('event'), type, data, dataText }
  })
  return { command, events }
}
