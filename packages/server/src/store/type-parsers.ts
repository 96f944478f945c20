/**
 * How values leave PostgreSQL's text format, the same on both adapters: int8 is a number, json is parsed,
 * timestamptz is a Date. Types that are not here stay text.
 */
const oid = {
  bool: 16,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  timestamptz: 1184,
  jsonb: 3802,
} as const

type Parse = (text: string) => unknown

const asText: Parse = (text) => text
const asJson: Parse = (text) => JSON.parse(text)

const parsers = new Map<number, Parse>([
  [oid.bool, (text) => text === 't'],
  [oid.int2, Number],
  [oid.int4, Number],
  [oid.oid, Number],
  [oid.int8, safeInteger],
  [oid.float4, Number],
  [oid.float8, Number],
  [oid.json, asJson],
  [oid.jsonb, asJson],
  [oid.timestamptz, timestamp],
])

export const typeParser = (typeOid: number): Parse => parsers.get(typeOid) ?? asText

/** Nothing here counts past 2^53; should something, a wrong number is worse than a stop. */
function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new Error(`The int8 ${text} does not fit a JavaScript number`)
  return value
}

/** `2026-11-23 18:01:02.345+00`: sessions of both adapters are in UTC and the ISO date style. */
function timestamp(text: string): Date {
  const value = new Date(`${text.slice(0, 10)}T${text.slice(11).replace(/([+-]\d\d)$/, '$1:00')}`)
  if (Number.isNaN(value.getTime())) throw new Error(`The timestamp ${text} is not an ISO time`)
  return value
}
