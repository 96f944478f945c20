import { HoldfastError } from '@holdfast/protocol'
import type { AgentDefinition } from './agents/define-agent.ts'
import type { McpServer } from './environment/mcp-setting.ts'
import { retry } from './environment/retry.ts'
import { retryPolicies } from './environment/retry-policy.ts'
import { SettingError, type Tier } from './environment/settings.ts'
import type { Logger } from './telemetry/logger.ts'
import type { ToolDefinition } from './tools/define-tool.ts'
import { AddressRefusedError } from './tools/mcp/guarded-fetch.ts'
import { readMcpTools } from './tools/mcp/mcp-tools.ts'

export interface McpTools {
  readonly tools: readonly ToolDefinition[]
  /** The agent with the tools that it may use. */
  withTools(agent: AgentDefinition): AgentDefinition
}

export const noMcpTools: McpTools = { tools: [], withTools: (agent) => agent }

/**
 * The tools of all configured servers. They belong to the registry, which is complete or not there (A1): a server that
 * cannot be reached stops the boot, as a database does.
 * @throws {SettingError} names the server, and why
 */
export async function openMcpTools(
  servers: readonly McpServer[],
  tier: Tier,
  logger: Logger,
): Promise<McpTools> {
  if (servers.length === 0) return noMcpTools
  const opened = await Promise.all(
    servers.map(async ({ name, url, headers, effects, agents, allowPrivate }) => {
      const revealed = Object.fromEntries(
        Object.entries(headers).map(([header, value]) => [header, value.reveal()]),
      )
      const access = { name, url: url.href, headers: revealed, effects, allowPrivate }
      const tools = await retry(() => readMcpTools(access), {
        policy: retryPolicies[tier],
        what: `reading the tools of ${name}`,
        isWorthRepeating: (error) => !(error instanceof AddressRefusedError),
        logger,
      }).catch((error: unknown) => {
        if (!(error instanceof HoldfastError)) throw error
        throw new SettingError('HOLDFAST_MCP_SERVERS', `HOLDFAST_MCP_SERVERS, ${name}: ${error.message}`)
      })
      logger.info({ server: name, tools: tools.length }, 'tools read')
      return { tools, agents }
    }),
  )
  return {
    tools: opened.flatMap(({ tools }) => tools),
    withTools: (agent) => ({
      ...agent,
      tools: [
        ...agent.tools,
        ...opened
          .filter(({ agents }) => agents === null || agents.includes(agent.name))
          .flatMap(({ tools }) => tools.map(({ name }) => name)),
      ],
    }),
  }
}
