import type { PlaybookId } from '../playbook.ts'

/** Words of each playbook with their weights; how they are read stands in triage-vocabulary.ts. */
export type WordWeights = Readonly<Partial<Record<PlaybookId, readonly (readonly [string, number])[]>>>
