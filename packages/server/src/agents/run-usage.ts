import type { EventData } from '@holdfast/protocol'
import { costUsd } from '../models/model-cost.ts'
import type { ResolvedModel } from '../models/model-manager.ts'
import type { StepUsage } from './model-step.ts'

/** What an attempt has used up so far. */
export interface RunUsage {
  /** One step of a model. */
  add(model: ResolvedModel, step: StepUsage, nowMs: number): void
  /** As agent_completed says it. */
  total(): EventData<'agent_completed'>['usage']
}

interface Used extends StepUsage {
  readonly costUsd: number | null
}

export function createRunUsage(): RunUsage {
  const byModel = new Map<string, Used>()
  let inputTokens = 0
  let outputTokens = 0
  let steps = 0
  return {
    add({ name, offline }, step, nowMs) {
      steps += 1
      inputTokens += step.inputTokens
      outputTokens += step.outputTokens
      if (offline) return
      const before = byModel.get(name)
      // Step by step: a price may depend on how long one request was.
      const cost = costUsd(name, step, new Date(nowMs))
      byModel.set(name, before === undefined ? { ...step, costUsd: cost } : sum(before, step, cost))
    },
    total() {
      if (byModel.size === 0) return { inputTokens, outputTokens, steps }
      const models = [...byModel].map(([model, { cacheWriteTokens: _, ...used }]) => ({ model, ...used }))
      const costs = models.flatMap((used) => used.costUsd ?? [])
      return {
        inputTokens,
        outputTokens,
        steps,
        models,
        ...(costs.length === models.length ? { costUsd: costs.reduce((all, one) => all + one, 0) } : {}),
      }
    },
  }
}

function sum(left: Used, right: StepUsage, cost: number | null): Used {
  return {
    inputTokens: left.inputTokens + right.inputTokens,
    outputTokens: left.outputTokens + right.outputTokens,
    cachedInputTokens: left.cachedInputTokens + right.cachedInputTokens,
    cacheWriteTokens: left.cacheWriteTokens + right.cacheWriteTokens,
    costUsd: left.costUsd === null || cost === null ? null : left.costUsd + cost,
  }
}
