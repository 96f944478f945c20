import { z } from 'zod'
import { type Secret, secret } from './secret.ts'

/** A server of tools as the settings describe it. */
export interface McpServer {
  /** Begins the names of its tools: `mcp_<name>_<tool>`. */
  readonly name: string
  readonly url: URL
  /** Sent with every request, such as Authorization. */
  readonly headers: Readonly<Record<string, Secret>>
  /** What a repeat of a tool would do, where it is not `effect`; by the name that the server gives it. */
  readonly effects: Readonly<Record<string, 'pure' | 'idempotent' | 'effect'>>
  /** Agents that may use its tools; null: all. */
  readonly agents: readonly string[] | null
  /** It may be on this machine or in a private network. */
  readonly allowPrivate: boolean
}

const McpServers = z.record(
  z.string().regex(/^[a-z][a-z0-9]{0,15}$/),
  z.strictObject({
    url: z.url({ protocol: /^https?$/ }).transform((text) => new URL(text)),
    headers: z
      .record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/), z.string().regex(/^[\x20-\x7e]{1,4096}$/))
      .default({}),
    effects: z.record(z.string(), z.enum(['pure', 'idempotent', 'effect'])).default({}),
    agents: z.array(z.string()).nullable().default(null),
    allowPrivate: z.boolean().default(false),
  }),
)

export const mcpServersAllowed =
  'a JSON object such as {"docs":{"url":"https://mcp.example.com/mcp"}}, each server with url and, where wanted, headers, effects ({"search":"pure"}), agents and allowPrivate'

/** Servers by name, as JSON. */
export const mcpServers = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      context.addIssue({ code: 'custom', message: 'not JSON' })
      return z.NEVER
    }
  })
  .pipe(McpServers)
  .transform((servers): readonly McpServer[] =>
    Object.entries(servers).map(([name, { headers, ...server }]) => ({
      name,
      ...server,
      headers: Object.fromEntries(Object.entries(headers).map(([header, value]) => [header, secret(value)])),
    })),
  )
