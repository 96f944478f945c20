import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Asked, Reply, Wire } from './wire.ts'

/** A provider on this machine: speaks one protocol over real HTTP, and refuses what the provider would refuse. */
export interface ModelServer extends AsyncDisposable {
  /** For the setting of the base URL. */
  readonly baseUrl: string
  readonly key: string
  /** Every request that was well formed, in the order of their coming. */
  readonly asked: readonly Asked[]
  /** Requests in all, also those that were refused. */
  readonly requests: () => number
  /** Why requests were refused: empty where all were as the protocol has them. */
  readonly refused: readonly string[]
  /** Connections that the other side let go before their answer was whole. */
  readonly letGo: Promise<void>
  /** From now on: what is answered to the nth request, counted from 0 by this call. */
  script(answer: (asked: Asked, index: number) => Reply): void
}

export async function openModelServer(wire: Wire, key: string): Promise<ModelServer> {
  const asked: Asked[] = []
  const refused: string[] = []
  let requests = 0
  let index = 0
  let answer: (asked: Asked, index: number) => Reply = () => ({ kind: 'text', pieces: ['Hello.'] })
  const letGo = Promise.withResolvers<void>()

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests += 1
    const path = request.url ?? ''
    const refuse = (
      status: number,
      message: string,
      headers: Readonly<Record<string, string>> = {},
    ): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify(wire.errorBody(status, message)))
    }
    const given = wire.keyOf(request.headers)
    if (given !== key) {
      refused.push('wrong key')
      // As the worst of them do: the key comes back in the error.
      return refuse(401, `Incorrect API key provided: ${given}. Authorization: Bearer ${given}`)
    }
    let read: Asked
    try {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      read = wire.read(JSON.parse(Buffer.concat(chunks).toString('utf8')), path)
      if (path !== wire.path(read.model)) throw new Error(`no route ${path}`)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      refused.push(why)
      return refuse(400, why)
    }
    asked.push(read)
    const reply = answer(read, index)
    index += 1
    if (reply.kind === 'status') return refuse(reply.status, reply.message, reply.headers)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.on('close', () => {
      if (!response.writableFinished) letGo.resolve()
    })
    for (const frame of wire.frames(reply, read.model)) {
      // In two writes, so that no frame comes as one piece.
      response.write(frame.slice(0, 7))
      if (!response.write(frame.slice(7))) await once(response, 'drain')
      await new Promise(setImmediate)
    }
    if (reply.kind === 'silence') return
    if (reply.kind === 'cut' && reply.how === 'reset') response.socket?.resetAndDestroy()
    else response.end()
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    baseUrl: `http://127.0.0.1:${port}${wire.basePath}`,
    key,
    asked,
    requests: () => requests,
    refused,
    letGo: letGo.promise,
    script(next) {
      answer = next
      index = 0
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
