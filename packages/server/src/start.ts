/**
 * What a command needs before it starts a server, and where it starts none: a fraction of what loading the house
 * (index.ts) takes.
 */
export { readLocalAccess } from './auth/local-access.ts'
export type { RunningServer, ServerOptions } from './compose.ts'
export { bootProblems } from './environment/boot-rules.ts'
export {
  type LogLevel,
  readSettings,
  roles,
  SettingError,
  type Settings,
  type SettingValue,
  settingDescriptions,
  settingValues,
} from './environment/settings.ts'
export { describeTier, detectTier, type TierDetection } from './environment/tier.ts'
export { startServer } from './start-server.ts'
export { StoreLockedError } from './store/directory-lock.ts'
export { createLogger, type Logger } from './telemetry/logger.ts'
