import { readAgentModules } from './agent-modules.ts'
import {
  createIdentityProvider,
  ProviderRefusedError,
  ProviderUnreachableError,
} from './auth/identity-provider.ts'
import { SettingError, type Settings } from './environment/settings.ts'
import { chooseSignIn, signInProblems } from './environment/sign-in-choice.ts'
import { detectTier } from './environment/tier.ts'
import { type Finding, fine, notice, stops } from './finding.ts'
import { openMcpTools } from './open-mcp-tools.ts'
import { silentLogger } from './telemetry/logger.ts'

/** What a boot takes from elsewhere, where anything is set: agents of the operator's own, servers of tools, the provider. */
export async function inspectOthers(settings: Settings): Promise<readonly Finding[]> {
  const found = await Promise.all([
    inspectAgents(settings),
    inspectTools(settings),
    inspectProvider(settings),
  ])
  return found.flat()
}

async function inspectAgents({ agentModules }: Settings): Promise<readonly Finding[]> {
  if (agentModules.length === 0) return []
  return await orStops(async () => {
    const { agents, tools } = await readAgentModules(agentModules)
    return fine('agents', `${agents.length} agents and ${tools.length} tools of HOLDFAST_AGENTS`)
  })
}

/** Asked once, however patient the tier: whoever looks wants to know how it is now. */
async function inspectTools({ mcpServers, role }: Settings): Promise<readonly Finding[]> {
  if (mcpServers.length === 0 || role === 'web') return []
  return await orStops(async () => {
    const { tools } = await openMcpTools(mcpServers, 'development', silentLogger)
    return fine('tools', `${tools.length} tools of ${mcpServers.map(({ name }) => name).join(', ')}`)
  })
}

async function inspectProvider(settings: Settings): Promise<readonly Finding[]> {
  const detection = detectTier(settings)
  // What is wrong with the settings themselves stands beside the tier.
  if (settings.role === 'worker' || signInProblems(settings, detection).length > 0) return []
  const choice = chooseSignIn(settings, detection)
  if (choice.kind === 'local') return []
  const { publicUrl, clientSecret, ...options } = choice
  const provider = createIdentityProvider({
    ...options,
    clientSecret: clientSecret?.reveal() ?? null,
    callbackUrl: new URL('/auth/callback', publicUrl),
  })
  try {
    const { issuer } = await provider.discover()
    return [fine('identity provider', issuer)]
  } catch (error) {
    if (error instanceof ProviderRefusedError) return [stops('HOLDFAST_OIDC_ISSUER', error.message)]
    if (!(error instanceof ProviderUnreachableError)) throw error
    return [
      notice('identity provider', `${error.message}. A server starts, and nobody can sign in until it does`),
    ]
  }
}

async function orStops(look: () => Promise<Finding>): Promise<readonly Finding[]> {
  try {
    return [await look()]
  } catch (error) {
    if (!(error instanceof SettingError)) throw error
    return [stops(error.setting, error.message)]
  }
}
