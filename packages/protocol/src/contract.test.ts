import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { CloseReason, closeCodes } from './close-codes.ts'
import { contract } from './contract.ts'
import { errorCodes, Problem, problem } from './error-codes.ts'
import { eventData, eventTypes, StoredEvent, terminalTypes } from './events.ts'
import { clientFrames, serverFrames, wireVersion } from './frames.ts'
import { LifecycleItem } from './lifecycle.ts'
import { limits } from './limits.ts'
import { Report } from './report.ts'
import { DataRequest, DataRequestList } from './requests.ts'
import * as resources from './resources.ts'
import { arbitraryOf, breakSomewhere, type JsonSchema } from './schema-arbitrary.test-support.ts'

const served = contract()

interface Pair {
  readonly name: string
  readonly schema: JsonSchema
  readonly zod: z.ZodType
}

const pairsOf = (
  prefix: string,
  schemas: Readonly<Record<string, JsonSchema>>,
  zods: Readonly<Record<string, unknown>>,
): readonly Pair[] =>
  Object.entries(schemas).map(([name, schema]) => ({
    name: `${prefix} ${name}`,
    schema,
    zod: zods[name] as z.ZodType,
  }))

const pairs: readonly Pair[] = [
  { name: 'event', schema: served.events.schema, zod: StoredEvent },
  ...pairsOf('frame from a client:', served.frames.clientToServer, clientFrames),
  ...pairsOf('frame from the server:', served.frames.serverToClient, serverFrames),
  ...pairsOf('resource', served.resources, {
    ...resources,
    DataRequest,
    DataRequestList,
    LifecycleItem,
    CloseReason,
    Report,
    Problem,
  }),
]

/** Strict: an unknown keyword or a contradiction in a schema is an error, not a shrug. */
const compile = (schema: JsonSchema) =>
  // Formats repeat what the pattern beside them says, and need a further package to be checked.
  new Ajv2020({ strict: true, allowUnionTypes: true, validateFormats: false }).compile(schema)

describe.each(pairs)('$name', ({ schema, zod }) => {
  test('is JSON Schema 2020-12', () => {
    expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema')
    expect(new Ajv2020().validateSchema(schema)).toBe(true)
    compile(schema)
  })

  test('zod and JSON Schema accept the same', () => {
    const accepts = compile(schema)
    fc.assert(
      fc.property(arbitraryOf(schema), (value) => {
        expect([accepts(value), accepts.errors]).toEqual([true, null])
        expect(zod.safeParse(value).error).toBeUndefined()
      }),
      { numRuns: 30 },
    )
  })

  test('zod and JSON Schema refuse the same', () => {
    const accepts = compile(schema)
    fc.assert(
      fc.property(arbitraryOf(schema), fc.nat(), fc.nat(), (value, where, how) => {
        const broken = breakSomewhere(value, where, how)
        expect([accepts(broken), broken]).toEqual([zod.safeParse(broken).success, broken])
      }),
      { numRuns: 100 },
    )
  })
})

test('breaking does break: most broken examples are refused', () => {
  const accepts = compile(served.events.schema)
  const samples = fc.sample(fc.tuple(arbitraryOf(served.events.schema), fc.nat(), fc.nat()), 500)
  const refused = samples.filter(([value, where, how]) => !accepts(breakSomewhere(value, where, how)))
  expect(refused.length).toBeGreaterThan(250)
})

test('the contract is JSON and names everything that travels', () => {
  expect(JSON.parse(JSON.stringify(served))).toEqual(served)
  expect(served.version).toBe(wireVersion)
  expect(served.events.types).toEqual(Object.keys(eventData))
  expect(Object.keys(served.frames.clientToServer)).toEqual(Object.keys(clientFrames))
  expect(Object.keys(served.frames.serverToClient)).toEqual(Object.keys(serverFrames))
  expect(served.limits).toBe(limits)
  expect(served.closeCodes).toBe(closeCodes)
  expect(served.errorCodes).toBe(errorCodes)
})

test('the envelope knows every event type, and the five that tell a run are among them', () => {
  expect(StoredEvent.options.map((option) => option.shape.type.value)).toEqual(eventTypes)
  const five = ['agent_started', 'agent_thinking', 'tool_executing', 'tool_completed', 'agent_completed']
  expect(eventTypes).toEqual(expect.arrayContaining(five))
  expect(eventTypes).toEqual(expect.arrayContaining([...terminalTypes]))
})

test('a frame says its own name', () => {
  for (const [name, frame] of Object.entries({ ...clientFrames, ...serverFrames }))
    expect(frame.shape.type.value).toBe(name)
})

test.each(Object.entries(errorCodes))('error code %s is an HTTP status and a sentence', (code, row) => {
  expect(row.status).toBeGreaterThanOrEqual(400)
  expect(row.status).toBeLessThan(600)
  expect(row.title).toMatch(/^[A-Z].*[^.]$/)
  const body = problem(code as keyof typeof errorCodes, 'Do this next')
  expect(Problem.parse(body)).toEqual(body)
})
