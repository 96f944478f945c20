import { JobError } from './job-error.ts'

/** A number whose text JavaScript would write otherwise (25.0, 1788228007188000001): the text is what counts. */
class NumberText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** JSON.parse is several times slower with a reviver, so only text with such a number in it pays for one. */
const riskyNumber = /\d[eE]|\.\d*0\b|\d{16}|-0\b/

/** @throws SyntaxError */
export function parseJson(text: string): unknown {
  return riskyNumber.test(text) ? JSON.parse(text, keepNumberText) : JSON.parse(text)
}

function keepNumberText(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || source === undefined || String(value) === source) return value
  return new NumberText(source)
}

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)

/** A row by column name. Null is '' (both are blank), so that its key is a column; an empty object says nothing. */
export type FlatRow = Map<string, string>

/** Nested keys join by a dot; arrays stay JSON text; a key that has dots of its own keeps them. */
export function flatten(object: JsonObject, prefix = '', row: FlatRow = new Map(), depth = 1): FlatRow {
  refuseTooDeep(depth)
  for (const [key, value] of Object.entries(object)) {
    const name = prefix + key
    if (isObject(value)) flatten(value, `${name}.`, row, depth + 1)
    else row.set(name, value === null ? '' : textOf(value, depth))
  }
  return row
}

/** Objects and arrays inside one another; data has a handful, and each costs a call of its own. */
const deepest = 100

function refuseTooDeep(depth: number): void {
  if (depth > deepest)
    throw new JobError(
      'file_unreadable',
      `A value is nested more than ${deepest} levels deep, as no export does; send the rows themselves.`,
    )
}

function textOf(value: unknown, depth: number): string {
  if (typeof value === 'string') return value
  if (value instanceof NumberText) return value.text
  return typeof value === 'object' ? jsonText(value, depth + 1) : String(value)
}

function jsonText(value: unknown, depth: number): string {
  refuseTooDeep(depth)
  if (value instanceof NumberText) return value.text
  if (Array.isArray(value)) return `[${value.map((inner) => jsonText(inner, depth + 1)).join(',')}]`
  if (isObject(value))
    return `{${Object.entries(value)
      .map(([key, inner]) => `${JSON.stringify(key)}:${jsonText(inner, depth + 1)}`)
      .join(',')}}`
  return JSON.stringify(value)
}

/**
 * The rows of a whole document: an array of objects, or an object that holds one array of objects (what an API
 * answers). In such an answer an array of objects inside each element (`data[].results[]`) makes the rows, and the
 * element's own values are repeated on each of them.
 *
 * @returns null where there is no one array of objects; `rejected` counts elements that are no objects
 */
export function rowsOfDocument(document: unknown): { rows: FlatRow[]; rejected: number } | null {
  if (Array.isArray(document)) {
    const objects = document.filter(isObject)
    return objects.length === 0 && document.length > 0
      ? null
      : { rows: objects.map((object) => flatten(object)), rejected: document.length - objects.length }
  }
  if (!isObject(document)) return null
  const key = soleArrayOfObjects([document])
  if (key === null) {
    const row = flatten(document)
    return row.size === 0 ? null : { rows: [row], rejected: 0 }
  }
  return { rows: expand(asArray(document[key])), rejected: 0 }
}

function expand(elements: readonly unknown[]): FlatRow[] {
  const objects = elements.filter(isObject)
  const key = soleArrayOfObjects(objects)
  if (key === null) return objects.map((object) => flatten(object))
  return objects.flatMap((object) => {
    const { [key]: inner, ...own } = object
    const parent = flatten(own)
    return expand(asArray(inner)).map((child) => {
      const row: FlatRow = new Map(parent)
      // The inner row is what the file is about; a parent's value of the same name keeps out of its way.
      for (const [name, value] of child) row.set(parent.has(name) ? `${key}.${name}` : name, value)
      return row
    })
  })
}

const asArray = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** The one property that is an array of objects wherever it is present and not empty. */
function soleArrayOfObjects(objects: readonly JsonObject[]): string | null {
  const keys = new Set<string>()
  for (const object of objects)
    for (const [key, value] of Object.entries(object))
      if (Array.isArray(value) && value.length > 0 && value.every(isObject)) keys.add(key)
  const [key] = keys
  return keys.size === 1 && key !== undefined ? key : null
}
