import type { FileProfile } from '../../../workspace/file-profile.ts'
import {
  anthropicConsoleCost,
  anthropicConsoleUsage,
  anthropicCostApi,
  anthropicUsageApi,
} from './anthropic.ts'
import { cursorUsage, focusCosts } from './billing.ts'
import { findColumn } from './find-column.ts'
import type { Format } from './format.ts'
import { heliconeExport, litellmDailySpend, litellmSpendLogs, openrouterActivity } from './gateways.ts'
import { bedrockInvocationLog, langfuseObservations, otelGenaiSpans } from './observability.ts'
import { openaiCostCsv, openaiUsageApi, openaiUsageCsv } from './openai.ts'
import { azureLlmTrace, burstGpt, mooncakeTrace } from './traces.ts'

/** Every known export. The first whose columns are all there is taken, so a narrower one stands before a wider one. */
export const formats: readonly Format[] = [
  openaiUsageApi,
  openaiUsageCsv,
  openaiCostCsv,
  anthropicConsoleUsage,
  anthropicConsoleCost,
  anthropicUsageApi,
  anthropicCostApi,
  openrouterActivity,
  litellmSpendLogs,
  litellmDailySpend,
  langfuseObservations,
  heliconeExport,
  cursorUsage,
  bedrockInvocationLog,
  otelGenaiSpans,
  focusCosts,
  azureLlmTrace,
  burstGpt,
  mooncakeTrace,
]

export function findFormat(profile: FileProfile): Format | null {
  return (
    formats.find(
      (format) =>
        (format.kinds.length === 0 || format.kinds.includes(profile.kind)) &&
        format.detect.every((name) => findColumn(profile, [name]) !== null),
    ) ?? null
  )
}
