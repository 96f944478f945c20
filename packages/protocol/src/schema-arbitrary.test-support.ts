import fc from 'fast-check'

export type JsonSchema = Readonly<Record<string, unknown>>
type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

const asSchema = (value: unknown): JsonSchema => value as JsonSchema
const numberOr = (value: unknown, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise

/** Examples that a JSON Schema of the kind zod writes allows. An unknown keyword stops the test. */
export function arbitraryOf(root: JsonSchema): fc.Arbitrary<Json> {
  const known = new Set(
    'type properties required items enum const anyOf oneOf pattern minLength maxLength minimum maximum minItems maxItems additionalProperties propertyNames $ref $schema $defs description format default'.split(
      ' ',
    ),
  )

  function of(schema: JsonSchema, depth: number): fc.Arbitrary<Json> {
    const unknown = Object.keys(schema).filter((keyword) => !known.has(keyword))
    if (unknown.length > 0) throw new Error(`keywords without a generator: ${unknown.join(', ')}`)
    if ('const' in schema) return fc.constant(schema['const'] as Json)
    if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as Json[]))
    const choices = schema['anyOf'] ?? schema['oneOf']
    if (Array.isArray(choices)) {
      // Deep inside a recursive schema only its plain choices are taken, or examples would never end.
      const plain = choices
        .map(asSchema)
        .filter((choice) => depth < 4 || !/array|object/.test(String(choice['type'])))
      return fc.oneof(...plain.map((choice) => of(choice, depth + 1)))
    }
    if (typeof schema['$ref'] === 'string') return of(resolve(schema['$ref']), depth + 1)
    const { type } = schema
    return Array.isArray(type)
      ? fc.oneof(...type.map((one: unknown) => ofType(String(one), schema, depth)))
      : ofType(String(type), schema, depth)
  }

  function ofType(type: string, schema: JsonSchema, depth: number): fc.Arbitrary<Json> {
    switch (type) {
      case 'string':
        return typeof schema['pattern'] === 'string'
          ? fc.stringMatching(new RegExp(schema['pattern']))
          : fc.string({
              minLength: numberOr(schema['minLength'], 0),
              maxLength: Math.min(numberOr(schema['maxLength'], 20), 20),
            })
      case 'integer':
        return fc.integer({
          min: Math.max(numberOr(schema['minimum'], -1_000), -1_000),
          max: Math.min(numberOr(schema['maximum'], 1_000), 1_000),
        })
      case 'number':
        return fc.double({
          min: numberOr(schema['minimum'], -1e9),
          max: numberOr(schema['maximum'], 1e9),
          noNaN: true,
        })
      case 'boolean':
        return fc.boolean()
      case 'null':
        return fc.constant(null)
      case 'array': {
        const minLength = numberOr(schema['minItems'], 0)
        const maxLength = Math.max(minLength, Math.min(numberOr(schema['maxItems'], 3), 3))
        return fc.array(of(asSchema(schema['items']), depth + 1), { minLength, maxLength })
      }
      case 'object':
        return ofObject(schema, depth)
      default:
        // {} allows anything; zod writes it for z.unknown().
        return fc.constantFrom<Json>('x', 1, null, [], {})
    }
  }

  function ofObject(schema: JsonSchema, depth: number): fc.Arbitrary<Json> {
    const properties = Object.entries(asSchema(schema['properties'] ?? {}))
    if (properties.length === 0) {
      const rest = schema['additionalProperties']
      const values = typeof rest === 'object' ? of(asSchema(rest), depth + 1) : fc.constant<Json>(1)
      return fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), values, { maxKeys: 3 })
    }
    const required = Array.isArray(schema['required']) ? schema['required'].map(String) : []
    const shape = Object.fromEntries(properties.map(([key, value]) => [key, of(asSchema(value), depth + 1)]))
    return fc.record(shape, { requiredKeys: required, noNullPrototype: true }) as fc.Arbitrary<Json>
  }

  function resolve(reference: string): JsonSchema {
    const path = reference.replace(/^#\/?/, '').split('/').filter(Boolean)
    return path.reduce<JsonSchema>((schema, key) => asSchema(schema[key]), root)
  }

  return of(root, 0)
}

const wrong: readonly Json[] = [null, '', 'x', -1, 1.5, true, [], {}, '2026-13-45', 'thr_0', 1e300]

/** `value` with one place, chosen by `where`, left out or replaced by something chosen by `how`. */
export function breakSomewhere(value: Json, where: number, how: number): Json {
  const places = countPlaces(value)
  return replace(value, where % places, how)
}

const children = (value: Json): readonly (readonly [string, Json])[] =>
  value !== null && typeof value === 'object' ? Object.entries(value) : []
const countPlaces = (value: Json): number =>
  children(value).reduce((sum, [, child]) => sum + countPlaces(child), 1)

function replace(value: Json, place: number, how: number): Json {
  if (place === 0) return wrong[how % wrong.length] ?? null
  let before = 1
  for (const [key, child] of children(value)) {
    const within = countPlaces(child)
    if (place < before + within) return replaceChild(value, key, child, place - before, how)
    before += within
  }
  throw new Error('no such place')
}

function replaceChild(value: Json, key: string, child: Json, place: number, how: number): Json {
  const leaveOut = place === 0 && how % 3 === 0
  if (Array.isArray(value))
    return value.flatMap((item, index) =>
      String(index) !== key ? [item] : leaveOut ? [] : [replace(item, place, how)],
    )
  const entries = Object.entries(value as Record<string, Json>)
  return Object.fromEntries(
    entries.flatMap(([name, item]) =>
      name !== key ? [[name, item]] : leaveOut ? [] : [[name, replace(child, place, how)]],
    ),
  )
}
