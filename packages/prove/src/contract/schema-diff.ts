import { isDeepStrictEqual } from 'node:util'
import { type Change, type Rec, record } from './change.ts'

/** in: a client sends it. out: a client gets it. */
export type Direction = 'in' | 'out'

interface Place {
  readonly direction: Direction
  readonly path: string
  /** A union that may grow: clients ignore members they do not know. */
  readonly open: boolean
}

type Add = (change: Change) => void

/** Words about a value; nobody's code depends on them. */
const annotations = new Set([
  'description',
  'title',
  '$schema',
  '$id',
  'default',
  'examples',
  '$comment',
  'deprecated',
])
const lowerBounds = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'])
const upperBounds = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'])

/**
 * The changes from one JSON Schema to another. What no rule here names is `unclassified`, never silently harmless.
 * Values that are sent may become more, values that are got may become fewer.
 */
export function diffSchemas(before: unknown, after: unknown, place: Place, add: Add): void {
  if (isDeepStrictEqual(before, after)) return
  const [a, b] = [record(before), record(after)]
  if (isUnion(a) !== isUnion(b)) {
    diffOneSided(a, b, place, add)
    return
  }
  for (const keyword of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (isDeepStrictEqual(a[keyword], b[keyword])) continue
    diffKeyword(keyword, a, b, place, add)
  }
}

function diffKeyword(keyword: string, a: Rec, b: Rec, place: Place, add: Add): void {
  const at = `${place.path}.${keyword}`
  const note: Note = (kind, rule, what) => add({ kind, rule, path: at, what })
  if (annotations.has(keyword)) note('compatible', 'words', 'says something else')
  else if (lowerBounds.has(keyword) || upperBounds.has(keyword)) diffBound(keyword, a, b, place, note)
  else if (keyword === 'type' || keyword === 'enum')
    diffSet(keyword, setOf(a[keyword]), setOf(b[keyword]), place, note)
  else if (keyword === 'const') note('breaking', 'const changed', `${text(a['const'])} → ${text(b['const'])}`)
  else if (keyword === 'required') diffRequired(a, b, place, note)
  else if (keyword === 'properties')
    diffProperties(record(a['properties']), record(b['properties']), place, add)
  else if (keyword === 'anyOf' || keyword === 'oneOf') diffUnion(keyword, a, b, place, add)
  else if (inner.has(keyword) && typeof a[keyword] === 'object' && typeof b[keyword] === 'object')
    diffSchemas(a[keyword], b[keyword], { ...place, path: at, open: false }, add)
  else if (keyword === 'additionalProperties' && place.direction === 'in' && b[keyword] === false)
    note('breaking', 'closed', 'takes no further properties')
  else note('unclassified', `keyword ${keyword}`, `${text(a[keyword])} → ${text(b[keyword])}`)
}

/** Keywords whose value is a schema. */
const inner = new Set(['items', 'additionalProperties', 'propertyNames'])

type Note = (kind: Change['kind'], rule: string, what: string) => void

const text = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value).slice(0, 80))
const setOf = (value: unknown): readonly unknown[] | null =>
  value === undefined ? null : Array.isArray(value) ? value : [value]

/** null: everything is allowed. */
function diffSet(
  keyword: string,
  before: readonly unknown[] | null,
  after: readonly unknown[] | null,
  { direction, open }: Place,
  note: Note,
): void {
  const gone =
    before === null ? after !== null : after !== null && before.some((value) => !after.includes(value))
  const added =
    after === null ? before !== null : before !== null && after.some((value) => !before.includes(value))
  const what = `${text(before ?? undefined)} → ${text(after ?? undefined)}`
  if (gone) note(direction === 'in' ? 'breaking' : 'compatible', `${keyword} narrowed`, what)
  if (added) note(direction === 'in' || open ? 'additive' : 'breaking', `${keyword} widened`, what)
}

function diffBound(keyword: string, a: Rec, b: Rec, { direction }: Place, note: Note): void {
  const sign = upperBounds.has(keyword) ? 1 : -1
  const value = (bound: unknown): number =>
    typeof bound === 'number' ? sign * bound : Number.POSITIVE_INFINITY
  const tighter = value(b[keyword]) < value(a[keyword])
  const what = `${text(a[keyword])} → ${text(b[keyword])}`
  const breaks = direction === 'in' ? tighter : !tighter
  note(breaks ? 'breaking' : 'compatible', tighter ? 'bound tighter' : 'bound wider', what)
}

function diffRequired(a: Rec, b: Rec, { direction }: Place, note: Note): void {
  const [before, after] = [setOf(a['required']) ?? [], setOf(b['required']) ?? []]
  const had = record(a['properties'])
  const has = record(b['properties'])
  for (const name of after)
    if (!before.includes(name))
      note(
        direction === 'in' ? 'breaking' : Object.hasOwn(had, String(name)) ? 'compatible' : 'additive',
        'newly required',
        String(name),
      )
  // A property that is gone is told of by itself.
  for (const name of before)
    if (!after.includes(name) && Object.hasOwn(has, String(name)))
      note(direction === 'in' ? 'compatible' : 'breaking', 'made optional', String(name))
}

function diffProperties(before: Rec, after: Rec, place: Place, add: Add): void {
  for (const [name, schema] of Object.entries(before)) {
    const path = `${place.path}.${name}`
    if (Object.hasOwn(after, name)) diffSchemas(schema, after[name], { ...place, path, open: false }, add)
    else add({ kind: 'breaking', rule: 'field removed', path, what: 'is gone' })
  }
  for (const name of Object.keys(after))
    if (!Object.hasOwn(before, name))
      add({ kind: 'additive', rule: 'field added', path: `${place.path}.${name}`, what: 'is new' })
}

const isUnion = (schema: Rec): boolean => Object.hasOwn(schema, 'anyOf') || Object.hasOwn(schema, 'oneOf')

/**
 * What was one schema has become one of several, or the other way round. Where the one is among the several, members
 * came or went; how far else the one fits the others, no rule here can tell.
 */
function diffOneSided(a: Rec, b: Rec, place: Place, add: Add): void {
  const [one, several] = isUnion(a) ? [b, a] : [a, b]
  const rest = Object.entries(several).filter(([keyword]) => !annotations.has(keyword))
  const [[keyword, members] = ['anyOf', []]] = rest
  const bare = Object.fromEntries(Object.entries(one).filter(([name]) => !annotations.has(name)))
  if (
    rest.length === 1 &&
    Array.isArray(members) &&
    members.some((member) => isDeepStrictEqual(member, bare))
  ) {
    const [before, after] = isUnion(a) ? [members, [bare]] : [[bare], members]
    diffUnion(keyword, { [keyword]: before }, { [keyword]: after }, place, add)
    return
  }
  add({
    kind: 'unclassified',
    rule: 'one or several',
    path: `${place.path}.${keyword}`,
    what: `${text(a)} → ${text(b)}`,
  })
}

/** Members are matched by their `type`, where they have one, else by being the same. */
function diffUnion(keyword: string, a: Rec, b: Rec, place: Place, add: Add): void {
  const { direction, open, path } = place
  const [before, after] = [setOf(a[keyword]) ?? [], setOf(b[keyword]) ?? []]
  const keyOf = (member: unknown): string => {
    const type = record(record(record(member)['properties'])['type'])['const']
    return typeof type === 'string' ? type : JSON.stringify(member)
  }
  const byKey = new Map(after.map((member) => [keyOf(member), member]))
  const gone: unknown[] = []
  for (const member of before) {
    const key = keyOf(member)
    const now = byKey.get(key)
    byKey.delete(key)
    if (now === undefined) gone.push(member)
    else diffSchemas(member, now, { direction, open: false, path: `${path}(${key.slice(0, 40)})` }, add)
  }
  for (const member of gone)
    add({
      // What is promised to come and does not is waited for.
      kind: 'breaking',
      rule: 'member removed',
      path: `${path}(${keyOf(member).slice(0, 40)})`,
      what: 'is gone',
    })
  for (const key of byKey.keys())
    add({
      kind: direction === 'in' || open ? 'additive' : 'breaking',
      rule: 'member added',
      path: `${path}(${key.slice(0, 40)})`,
      what: 'is new',
    })
}
