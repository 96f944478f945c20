import { type Change, type Rec, record } from './change.ts'
import { type Direction, diffSchemas } from './schema-diff.ts'

export interface ContractDiff {
  readonly changes: readonly Change[]
  /** Things of the older contract that were looked at. */
  readonly compared: number
  /** `Breaking: 0 of 14 changes (9 additive, 5 compatible, 0 unclassified)` */
  readonly says: string
}

/** What a client sends; every other resource is what it gets. */
const sentResources = new Set(['CreateThread', 'PatchThread', 'SubmitRun', 'CreateToken'])
/** Open on the wire: clients ignore what they do not know. */
const openUnions = new Set(['events.schema', 'resources.LifecycleItem'])

/** What changed from one contract to another, and whom it breaks: direction decides (history.md of the protocol). */
export function diffContracts(before: unknown, after: unknown): ContractDiff {
  const old = record(before)
  const now = record(after)
  const changes: Change[] = []
  let compared = 0
  const add = (change: Change): void => void changes.push(change)

  if (old['version'] !== now['version'])
    add({
      kind: 'breaking',
      rule: 'version',
      path: 'version',
      what: `${String(old['version'])} → ${String(now['version'])}`,
    })

  const named = (path: string, directionOf: (name: string) => Direction, added: Change['kind']): void => {
    const [a, b] = [
      record(path.split('.').reduce<unknown>(step, old)),
      record(path.split('.').reduce<unknown>(step, now)),
    ]
    for (const name of Object.keys(a)) {
      compared += 1
      const at = `${path}.${name}`
      if (!Object.hasOwn(b, name)) add({ kind: 'breaking', rule: 'removed', path: at, what: 'is gone' })
      else
        diffSchemas(
          a[name],
          b[name],
          { direction: directionOf(name), path: at, open: openUnions.has(at) },
          add,
        )
    }
    for (const name of Object.keys(b))
      if (!Object.hasOwn(a, name))
        add({ kind: added, rule: 'added', path: `${path}.${name}`, what: 'is new' })
  }
  named('frames.clientToServer', () => 'in', 'additive')
  // A frame type is no event type: clients are not told to ignore unknown ones.
  named('frames.serverToClient', () => 'out', 'breaking')
  named('resources', (name) => (sentResources.has(name) ? 'in' : 'out'), 'additive')
  compared += 1
  diffSchemas(
    record(old['events'])['schema'],
    record(now['events'])['schema'],
    { direction: 'out', path: 'events.schema', open: true },
    add,
  )
  compared += codes(record(old['closeCodes']), record(now['closeCodes']), 'closeCodes', ['retry'], add)
  compared += codes(
    record(old['errorCodes']),
    record(now['errorCodes']),
    'errorCodes',
    ['status', 'retryable'],
    add,
  )
  compared += limits(record(old['limits']), record(now['limits']), add)
  for (const key of Object.keys(now))
    if (!known.has(key) && !Object.hasOwn(old, key))
      add({ kind: 'unclassified', rule: 'unknown part', path: key, what: 'is new' })

  const count = (kind: Change['kind']): number => changes.filter((change) => change.kind === kind).length
  return {
    changes,
    compared,
    says: `Breaking: ${count('breaking')} of ${changes.length} changes (${count('additive')} additive, ${count('compatible')} compatible, ${count('unclassified')} unclassified)`,
  }
}

const known = new Set(['version', 'events', 'frames', 'resources', 'closeCodes', 'errorCodes', 'limits'])
const step = (value: unknown, key: string): unknown => record(value)[key]

/** Close and error codes: what a client decides by must not change; words may. */
function codes(
  before: Rec,
  after: Rec,
  path: string,
  decisive: readonly string[],
  add: (change: Change) => void,
): number {
  for (const [code, old] of Object.entries(before)) {
    const now = after[code]
    const at = `${path}.${code}`
    if (now === undefined) add({ kind: 'breaking', rule: 'code removed', path: at, what: 'is gone' })
    else
      for (const [key, value] of Object.entries(record(old)))
        if (record(now)[key] !== value)
          add({
            kind: decisive.includes(key) ? 'breaking' : 'compatible',
            rule: 'code changed',
            path: `${at}.${key}`,
            what: `${String(value)} → ${String(record(now)[key])}`,
          })
  }
  for (const code of Object.keys(after))
    if (!Object.hasOwn(before, code))
      add({ kind: 'additive', rule: 'code added', path: `${path}.${code}`, what: 'is new' })
  return Object.keys(before).length
}

function limits(before: Rec, after: Rec, add: (change: Change) => void): number {
  for (const [name, old] of Object.entries(before)) {
    const now = after[name]
    const path = `limits.${name}`
    if (typeof now !== 'number' || typeof old !== 'number')
      add({ kind: 'breaking', rule: 'limit removed', path, what: 'is gone, or no number' })
    else if (now < old) add({ kind: 'breaking', rule: 'limit lowered', path, what: `${old} → ${now}` })
    else if (now > old) add({ kind: 'compatible', rule: 'limit raised', path, what: `${old} → ${now}` })
  }
  // A limit that was always there and is only named now breaks nobody; one that is new does. Nobody can tell from here.
  for (const name of Object.keys(after))
    if (!Object.hasOwn(before, name))
      add({ kind: 'unclassified', rule: 'limit added', path: `limits.${name}`, what: 'is new' })
  return Object.keys(before).length
}
