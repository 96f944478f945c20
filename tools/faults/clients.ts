/**
 * A process with some of a campaign's clients: the published client, through the proxy. Argument: the path of a
 * ClientsOrder as JSON. Everything a client sees goes to the journal; started again, each client goes on from the
 * cursor that its journal holds. Ends with its parent.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { createClient, type HoldfastClient, HoldfastStreamError } from '@holdfast/client'
import { type EpochId, type Position, position, type ThreadId } from '@holdfast/protocol'
import { digestOf, type JournalLine, parseLine } from './journal.ts'
import { recordingWebSocket } from './recording-socket.ts'

export interface ClientOrder {
  readonly client: number
  readonly url: string
  readonly token: string
  readonly thread: ThreadId
  /** Another user's: following it must be refused. */
  readonly foreignThread: ThreadId
}

export interface ClientsOrder {
  readonly journalPath: string
  readonly epoch: EpochId
  /** Times the reconnect delays: below 1 a client spends less of a short campaign waiting. */
  readonly delayScale: number
  readonly clients: readonly ClientOrder[]
}

/** To the parent, twice a second: who has applied more since the last time. */
export interface ClientsProgress {
  readonly applied: readonly (readonly [client: number, seq: number])[]
}

const [orderPath = ''] = process.argv.slice(2)
const order = JSON.parse(readFileSync(orderPath, 'utf8')) as ClientsOrder
// The client draws its delays from Math.random, full jitter: scaling the draw scales the delay.
const random = Math.random
Math.random = () => random() * order.delayScale

const applied = new Map<number, Position>(order.clients.map(({ client }) => [client, position(0)]))
const connections = new Map<number, number>()
readJournal()
const journal = openSync(order.journalPath, 'a')
// The line before may have been torn by a kill.
writeSync(journal, '\n')
let pending: string[] = []
const write = (line: JournalLine): void => {
  pending.push(JSON.stringify(line))
  if (pending.length === 1) setImmediate(flush)
}
// What is lost from here in a kill was not applied: the cursor is lost with it.
function flush(): void {
  if (pending.length === 0) return
  const text = `${pending.join('\n')}\n`
  pending = []
  writeSync(journal, text)
}

const stop = new AbortController()
for (const one of order.clients) start(one)
const changed = new Set<number>()
const progress = setInterval(() => {
  const report: ClientsProgress = {
    applied: [...changed].map((client) => [client, applied.get(client) ?? position(0)]),
  }
  changed.clear()
  process.send?.(report)
}, 500)
process.once('message', end)
process.once('disconnect', () => process.exit(1))

/** What each client had stored when its process was killed. */
function readJournal(): void {
  let text: string
  try {
    text = readFileSync(order.journalPath, 'utf8')
  } catch {
    // The first life: nothing is stored yet.
    return
  }
  for (const row of text.split('\n')) {
    const line = parseLine(row)
    if (line?.[0] === 'applied') applied.set(line[2], position(line[4][0]))
    if (line?.[0] === 'opened') connections.set(line[2], line[3])
  }
}

function start(one: ClientOrder): void {
  write(['life', Date.now(), one.client])
  const nextConnection = (): number => {
    const connection = (connections.get(one.client) ?? 0) + 1
    connections.set(one.client, connection)
    return connection
  }
  const client = createClient({
    url: one.url,
    token: one.token,
    WebSocket: recordingWebSocket(one.client, nextConnection, write),
    fetch: withoutEventStreams,
  })
  void follow(client, one)
  void probe(client, one)
}

/**
 * A client that finds no WebSocket three times turns to server-sent events. Here servers are away on purpose, and
 * what is tried are WebSockets: it is told that there is no network that way either.
 */
async function withoutEventStreams(
  input: Parameters<typeof fetch>[0],
  init?: RequestInit,
): Promise<Response> {
  if (new Headers(init?.headers).get('accept') === 'text/event-stream')
    throw new TypeError('No server-sent events in a campaign')
  return fetch(input, init)
}

async function follow(client: HoldfastClient, { client: number, thread }: ClientOrder): Promise<void> {
  try {
    const after = applied.get(number) ?? position(0)
    for await (const event of client.events(thread, { after, epoch: order.epoch, signal: stop.signal })) {
      write(['applied', Date.now(), number, thread, [event.seq, digestOf(event)]])
      applied.set(number, event.seq)
      changed.add(number)
    }
  } catch (error) {
    write(['failed', Date.now(), number, String(error)])
  }
}

/** Whatever of another user's thread arrives is written down as applied, and is the checker's to call by its name. */
async function probe(client: HoldfastClient, { client: number, foreignThread }: ClientOrder): Promise<void> {
  try {
    for await (const event of client.events(foreignThread, { after: 'start', signal: stop.signal }))
      write(['applied', Date.now(), number, foreignThread, [event.seq, digestOf(event)]])
  } catch (error) {
    if (error instanceof HoldfastStreamError && error.code === 'not_found')
      write(['denied', Date.now(), number])
    else write(['failed', Date.now(), number, String(error)])
  }
}

function end(): void {
  clearInterval(progress)
  // What was applied up to here is the end of the journal; sockets that close now are not lost.
  flush()
  closeSync(journal)
  process.exit(0)
}
