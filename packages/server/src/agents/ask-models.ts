import type { MakeId, MessageId, NewEvent } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import { ModelFailedError } from '../models/model-error.ts'
import type { ResolvedModel } from '../models/model-manager.ts'
import { modelStep, type ProseFilter, type StepEnd } from './model-step.ts'

type StepRequest = Parameters<typeof modelStep>[0]

export interface Asked {
  readonly end: StepEnd
  /** Under which the step was said to its end: what was said before a failure has another one, and is no answer. */
  readonly messageId: MessageId
  /** Who said it. */
  readonly model: ResolvedModel
}

/**
 * One step by the first model of the chain that brings it to its end. A model that breaks off in the middle is asked
 * once more: it had taken the question. (What fails before it has begun is repeated below this, as the tier has it.)
 */
export async function* askModels(
  request: Omit<StepRequest, 'messageId' | 'prose'> & {
    readonly makeId: MakeId
    readonly prose: (model: ResolvedModel) => ProseFilter | undefined
  },
): AsyncGenerator<readonly NewEvent[], Asked, undefined> {
  const { makeId, prose, model: first, ...rest } = request
  const { step, signal } = rest
  let model: ResolvedModel = first
  let brokeOff = false
  for (;;) {
    const messageId = makeId('message')
    const filter = prose(model)
    try {
      const asked = { ...rest, model, messageId, ...(filter === undefined ? {} : { prose: filter }) }
      return { end: yield* modelStep(asked), messageId, model }
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof HoldfastError) || error.code !== 'model_failed') throw error
      const again: boolean = error instanceof ModelFailedError && error.begun && error.isPassing && !brokeOff
      const next = again ? model : model.fallback
      if (next === undefined) throw error
      const goesOn = again ? 'It is asked again.' : `${next.name} takes over.`
      yield [{ type: 'agent_thinking', data: { step, text: `${error.message}. ${goesOn}` } }]
      brokeOff = again
      model = next
    }
  }
}
