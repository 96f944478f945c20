import type { CallToolResult, MCPClient } from '@ai-sdk/mcp'
import type { Json, ToolEffect } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import { z } from 'zod'
import { jsonOf, type ToolDefinition } from '../define-tool.ts'
import { createGuardedFetch } from './guarded-fetch.ts'

export const mcpLimits = {
  /** Of one server. */
  tools: 64,
  /** Pages of tools that one server may give. */
  pages: 10,
  descriptionChars: 2_000,
  schemaBytes: 16 * 1024,
  /** Of a result's text, so that it fits into an event. */
  resultChars: 40_000,
  /** For connecting and naming the tools, at the start of this server. */
  openMs: 15_000,
  callMs: 60_000,
} as const

/** A server of tools, and what is allowed with it. */
export interface McpAccess {
  readonly name: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly effects: Readonly<Record<string, ToolEffect>>
  readonly allowPrivate: boolean
}

/**
 * The tools of a server as tools of ours, under `mcp_<server>_<tool>`. They are read once, at the start, and stay as
 * they were (A1): a server that renames or redescribes a tool later changes nothing here.
 *
 * Its word for what a tool does (annotations) is not taken: every tool has an effect and asks the user first, unless
 * the settings say otherwise. Each call has a connection of its own, so that a server may go and come back.
 * @throws {HoldfastError} tool_failed: it cannot be reached, or gives more than mcpLimits allow
 */
export async function readMcpTools(access: McpAccess): Promise<readonly ToolDefinition[]> {
  const found: Awaited<ReturnType<MCPClient['listTools']>>['tools'] = []
  await withClient(access, AbortSignal.timeout(mcpLimits.openMs), async (client, signal) => {
    let cursor: string | undefined
    for (let page = 0; page < mcpLimits.pages; page += 1) {
      const { tools, nextCursor } = await client.listTools({
        ...(cursor === undefined ? {} : { params: { cursor } }),
        options: { signal },
      })
      found.push(...tools)
      if (nextCursor === undefined || nextCursor === '') return
      cursor = nextCursor
    }
  })
  if (found.length > mcpLimits.tools)
    throw failed(access, `it has ${found.length} tools; at most ${mcpLimits.tools} are taken`)
  const unknown = Object.keys(access.effects).find((name) => !found.some((tool) => tool.name === name))
  if (unknown !== undefined)
    throw failed(access, `effects names ${JSON.stringify(unknown)}, which it has not`)
  const taken = new Set<string>()
  return found.map((tool) => {
    const schema = jsonOf(tool.inputSchema as object)
    if (JSON.stringify(schema).length > mcpLimits.schemaBytes)
      throw failed(
        access,
        `the schema of ${JSON.stringify(tool.name)} is longer than ${mcpLimits.schemaBytes} bytes`,
      )
    const effect = access.effects[tool.name] ?? 'effect'
    return {
      name: toolName(access.name, tool.name, taken),
      description: (tool.description ?? '').slice(0, mcpLimits.descriptionChars).toWellFormed(),
      effect,
      asksFirst: effect === 'effect',
      input: z.record(z.string(), z.unknown()),
      inputSchema: schema,
      timeoutMs: mcpLimits.callMs,
      execute: (input, context) =>
        withClient(access, context.signal, async (client, signal) => {
          const result = await client.callTool({
            name: tool.name,
            arguments: input as Record<string, unknown>,
            options: { signal },
          })
          return { output: outputOf(access, result) }
        }),
    }
  })
}

/** A name that models can call: other characters become `_`, and equal names are numbered. */
function toolName(server: string, tool: string, taken: Set<string>): string {
  const base = `mcp_${server}_${tool.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, '_')}`.slice(0, 60)
  let name = base
  for (let count = 2; taken.has(name); count += 1) name = `${base}_${count}`
  taken.add(name)
  return name
}

async function withClient<T>(
  access: McpAccess,
  signal: AbortSignal,
  work: (client: MCPClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  // On demand: without a server of tools its package is not read.
  const { createMCPClient } = await import('@ai-sdk/mcp')
  const guarded = createGuardedFetch(access)
  const ended = new AbortController()
  const all = AbortSignal.any([signal, ended.signal])
  const fetch: typeof globalThis.fetch = (input, init) =>
    guarded(input, { ...init, signal: init?.signal ? AbortSignal.any([all, init.signal]) : all })
  let client: MCPClient | null = null
  try {
    client = await untilAborted(
      createMCPClient({
        transport: { type: 'http', url: access.url, headers: { ...access.headers }, fetch },
        clientName: 'holdfast',
        onUncaughtError: () => {},
      }),
      signal,
    )
    return await untilAborted(work(client, signal), signal)
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    throw failed(access, reasonOf(error, access))
  } finally {
    // Politely where that takes no time, and then for good.
    await Promise.race([
      client?.close().catch(() => {}),
      new Promise((resolve) => setTimeout(resolve, 500).unref()),
    ])
    ended.abort()
  }
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const abort = (): void => reject(signal.reason as Error)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  return promise
}

const failed = ({ name }: McpAccess, why: string): HoldfastError =>
  new HoldfastError('tool_failed', `The server of tools ${name}: ${why}`)

const reasonChars = 300

/** The innermost reason; without the headers' values, which a server may send back. */
function reasonOf(error: unknown, access: McpAccess): string {
  const parts: string[] = []
  let at: unknown = error
  for (let depth = 0; depth < 4 && at instanceof Error; depth += 1) {
    if (at instanceof HoldfastError) return at.message
    parts.push(at.message)
    at = at.cause
  }
  let text = parts.length === 0 ? String(error) : parts.join(': ')
  for (const value of Object.values(access.headers)) {
    const bare = value.replace(/^\w+\s+/, '')
    for (const form of [value, bare]) if (form !== '') text = text.replaceAll(form, '[redacted]')
  }
  return text.replaceAll(/[\p{Cc}\s]+/gu, ' ').slice(0, reasonChars)
}

/** What a model reads of a result: its texts, and of anything else what it is. */
function outputOf(access: McpAccess, result: CallToolResult): Json {
  const content = 'content' in result && Array.isArray(result.content) ? result.content : []
  const texts = content.map((part: { type: string; text?: unknown }) =>
    part.type === 'text' && typeof part.text === 'string' ? part.text : `[${String(part.type)}, not shown]`,
  )
  const structured = 'structuredContent' in result ? result.structuredContent : undefined
  const whole = (texts.length > 0 ? texts.join('\n') : (JSON.stringify(structured) ?? '')).toWellFormed()
  const text =
    whole.length > mcpLimits.resultChars
      ? `${whole.slice(0, mcpLimits.resultChars).toWellFormed()}… (${whole.length} characters)`
      : whole
  if ('isError' in result && result.isError === true)
    throw failed(access, text.slice(0, 2_000) || 'the tool failed')
  return { text }
}
