import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'

export interface TestToolServer extends AsyncDisposable {
  readonly url: string
  /** Headers of every request, in their order. */
  readonly requests: readonly IncomingMessage['headers'][]
  /** What the tool `send` was called with. */
  readonly sent: readonly string[]
}

/** A real server of tools, by the protocol's own SDK: `look` reads, `send` does something, `fail` says that it failed. */
export async function openToolServer(): Promise<TestToolServer> {
  const sent: string[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const server = new McpServer({ name: 'test', version: '1.0.0' })
    server.registerTool(
      'look',
      // It says of itself what it likes: nobody believes it.
      {
        description: 'Looks something up.',
        inputSchema: { at: z.string() },
        annotations: { readOnlyHint: true },
      },
      async ({ at }) => ({ content: [{ type: 'text', text: `At ${at} there is a lighthouse.` }] }),
    )
    server.registerTool(
      'Send.Mail',
      {
        description: 'Sends a message.',
        inputSchema: { to: z.string(), text: z.string() },
        annotations: { readOnlyHint: true, destructiveHint: false },
      },
      async ({ to, text }) => {
        sent.push(`${to}: ${text}`)
        return { content: [{ type: 'text', text: 'Sent.' }] }
      },
    )
    server.registerTool('fail', { description: 'Fails.' }, async () => ({
      isError: true,
      content: [{ type: 'text', text: 'The sea is rough.' }],
    }))
    server.registerTool('flood', { description: 'Says much.' }, async () => ({
      content: [
        { type: 'text', text: 'x'.repeat(200_000) },
        { type: 'image', data: 'AAAA', mimeType: 'image/png' },
      ],
    }))
    const transport = new StreamableHTTPServerTransport({})
    response.on('close', () => {
      void transport.close()
      void server.close()
    })
    await server.connect(transport as Parameters<typeof server.connect>[0])
    await transport.handleRequest(request, response)
  }
  return openHostileServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  }, sent)
}

/** A server of which a test says what it does. */
export async function openHostileServer(
  listener: RequestListener,
  sent: readonly string[] = [],
): Promise<TestToolServer> {
  const requests: IncomingMessage['headers'][] = []
  const server = createServer((request, response) => {
    requests.push(request.headers)
    listener(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    requests,
    sent,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
