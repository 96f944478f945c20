import type { Playbook } from '../../playbook.ts'

/**
 * Any table at all. It has no canonical fields and so no analyses over `usage`: a simple question is answered by
 * readingSql (questions/), anything else about the table by its overview (table-overview.ts), both over the raw table.
 */
export const anyTable: Playbook = {
  id: 'any_table',
  title: 'Any table',
  asks: [
    'What is in this file?',
    'Describe this data',
    'average latency by tenant',
    'total cost by model for tenant acme',
    'how many requests failed with 429',
    'top 5 features by cost in October',
    'Give me an overview of the table',
    'Which columns have missing values?',
    'Are there duplicate rows?',
  ],
  required: [],
  optional: [],
  grains: ['request', 'minute', 'hour', 'day', 'unknown'],
  timeStep: 'day',
  reductions: [],
  analyses: [],
  findings: () => ({ figures: [], paragraphs: [], caveats: [] }),
  caveats: [],
}
