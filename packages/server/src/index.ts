export { HoldfastError } from '@holdfast/protocol'
export { z } from 'zod'
export {
  type Administration,
  type KnownUser,
  openAdministration,
  type ServiceAccount,
} from './administration.ts'
export { type AgentDefinition, defineAgent } from './agents/define-agent.ts'
export { openSecretManager, type SecretManager, type SecretName } from './environment/secret-manager.ts'
export type { Finding } from './finding.ts'
export { inspectBoot } from './inspect.ts'
export {
  backupStore,
  deleteUser,
  exportUser,
  type MaintenanceOptions,
  migrateStore,
  restoreStore,
} from './maintenance.ts'
export { reportHtml } from './reports/report-html.ts'
export { reportMarkdown } from './reports/report-markdown.ts'
export {
  type Conclusion,
  defineTool,
  type ToolContext,
  type ToolDefinition,
  type ToolOutcome,
} from './tools/define-tool.ts'
export type { Progress } from './upkeep/progress.ts'
export type { TableDigest } from './upkeep/tables/table-rows.ts'
