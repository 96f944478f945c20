import { StoredEvent } from '@holdfast/protocol'
import type { CloseLine, FactName, Facts, FrameLine, HttpLine, Line, OpenLine, RefusedLine } from './lines.ts'

/** An event as a connection got it. */
export interface Delivery {
  readonly conn: number
  readonly t: number
  readonly stream: string
  readonly seq: number
  readonly runId: string
  readonly type: string
  /** As it came, key order included. */
  readonly raw: unknown
  readonly event: StoredEvent | null
}

export interface Frame {
  readonly t: number
  readonly conn: number
  readonly type: string
  readonly raw: Record<string, unknown> | null
  readonly line: FrameLine
}

export type Fact<Name extends FactName> = Facts[Name] & { readonly t: number; readonly s: string }

/** A history, read once: what the checks ask of it. */
export interface View {
  readonly lines: readonly Line[]
  readonly https: readonly HttpLine[]
  readonly opens: readonly OpenLine[]
  readonly refused: readonly RefusedLine[]
  readonly closes: readonly CloseLine[]
  readonly received: readonly Frame[]
  readonly sent: readonly Frame[]
  readonly deliveries: ReadonlyMap<number, readonly Delivery[]>
  facts<Name extends FactName>(name: Name): readonly Fact<Name>[]
  /** The stored log of a thread, as all readings of it over HTTP together have it: position → event, as last told. */
  stored(thread: string): ReadonlyMap<number, unknown>
  /** Its log was asked for, whatever the answer was. */
  wasAsked(thread: string): boolean
  receivedOn(conn: number): readonly Frame[]
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}

export function viewOf(lines: readonly Line[]): View {
  const https: HttpLine[] = []
  const opens: OpenLine[] = []
  const refused: RefusedLine[] = []
  const closes: CloseLine[] = []
  const received: Frame[] = []
  const sent: Frame[] = []
  const deliveries = new Map<number, Delivery[]>()
  const byConn = new Map<number, Frame[]>()
  const facts = new Map<string, object[]>()
  const stored = new Map<string, Map<number, unknown>>()
  const asked = new Set<string>()

  for (const line of lines) {
    if (line.k === 'http') {
      https.push(line)
      readLog(line, stored, asked)
    } else if (line.k === 'open') opens.push(line)
    else if (line.k === 'refused') refused.push(line)
    else if (line.k === 'close') closes.push(line)
    else if (line.k === 'fact') {
      const list = facts.get(line.name) ?? []
      facts.set(line.name, list)
      list.push({ ...line.data, t: line.t, s: line.s })
    } else {
      const raw = parse(line.text)
      const type = typeof raw?.['type'] === 'string' ? raw['type'] : ''
      const frame: Frame = { t: line.t, conn: line.conn, type, raw, line }
      if (line.k === 'out') sent.push(frame)
      else {
        received.push(frame)
        const list = byConn.get(line.conn) ?? []
        byConn.set(line.conn, list)
        list.push(frame)
        for (const delivery of deliveriesOf(frame)) {
          const all = deliveries.get(line.conn) ?? []
          deliveries.set(line.conn, all)
          all.push(delivery)
        }
      }
    }
  }
  return {
    lines,
    https,
    opens,
    refused,
    closes,
    received,
    sent,
    deliveries,
    facts: (name) => (facts.get(name) ?? []) as never,
    stored: (thread) => stored.get(thread) ?? new Map(),
    wasAsked: (thread) => asked.has(thread),
    receivedOn: (conn) => byConn.get(conn) ?? [],
  }
}

function deliveriesOf({ t, conn, type, raw }: Frame): readonly Delivery[] {
  if (type !== 'ev' || raw === null || !Array.isArray(raw['items'])) return []
  const stream = String(raw['stream'])
  return raw['items'].map((item: unknown): Delivery => {
    const record = isRecord(item) ? item : {}
    const parsed = StoredEvent.safeParse(item)
    return {
      conn,
      t,
      stream,
      seq: typeof record['seq'] === 'number' ? record['seq'] : Number.NaN,
      runId: String(record['runId']),
      type: String(record['type']),
      raw: item,
      event: parsed.success ? parsed.data : null,
    }
  })
}

/** The pages that `readLog` of the lab asked for, marked as such. */
function readLog(line: HttpLine, stored: Map<string, Map<number, unknown>>, asked: Set<string>): void {
  if (line.about !== 'log') return
  const [, thread = ''] = /^\/v1\/threads\/([^/]+)\/events/.exec(line.path) ?? []
  asked.add(thread)
  if (line.status !== 200) return
  const items = parse(line.body)?.['items']
  if (!Array.isArray(items)) return
  const log = stored.get(thread) ?? new Map<number, unknown>()
  stored.set(thread, log)
  for (const item of items as unknown[])
    if (isRecord(item) && typeof item['seq'] === 'number') log.set(item['seq'], item)
}
