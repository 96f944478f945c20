import type { RunSql } from './computed.ts'
import { keyFacts, keyFactsJob } from './questions/join-keys.ts'
import { type Triage, type TriageContext, triage } from './triage.ts'

/** Triage that looks into the files where it has to: whether a key joins two of them shows in no profile. */
export async function triageJoined(question: string, context: TriageContext, run: RunSql): Promise<Triage> {
  const first = triage(question, context)
  if (first.unmeasured.length === 0) return first
  const results = await run(keyFactsJob(first.unmeasured))
  return triage(question, { ...context, keyFacts: keyFacts(first.unmeasured, results) })
}
