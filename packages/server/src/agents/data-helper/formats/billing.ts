import type { Format } from './format.ts'
import { count, countSum, text, time, usd } from './format.ts'

export const cursorUsage: Format = {
  id: 'cursor_usage_csv',
  title: 'Cursor usage events',
  vendor: 'cursor',
  detect: ['Max Mode', 'Cache Read'],
  kinds: [],
  grain: 'request',
  inputTokens: 'inclusive',
  fields: {
    time: time('Date'),
    model: text('Model'),
    user: text('User'),
    input_tokens: countSum(['Input (w/o Cache Write)'], ['Input (w/ Cache Write)'], ['Cache Read']),
    cached_input_tokens: count('Cache Read'),
    cache_write_tokens: count('Input (w/ Cache Write)'),
    output_tokens: count('Output Tokens'),
    total_tokens: count('Total Tokens'),
    cost_usd: { as: 'money', from: ['Cost'], usdEach: 1, free: ['included', 'free', '-'] },
  },
  ok: null,
  okWithoutColumn: 'unknown',
  keep: null,
  notes: [],
  fieldNotes: { cost_usd: 'Events marked Included are part of the plan and count 0 USD here.' },
}

export const focusCosts: Format = {
  id: 'focus_1_x',
  title: 'FOCUS cost and usage data',
  vendor: null,
  detect: ['BilledCost', 'ChargePeriodStart'],
  kinds: [],
  grain: 'bucket',
  inputTokens: 'inclusive',
  fields: {
    time: time('ChargePeriodStart'),
    model: text('SkuId'),
    provider: text('ProviderName'),
    tenant: text('SubAccountName', 'SubAccountId'),
    feature: text('ServiceName'),
    cost_usd: usd('EffectiveCost', 'BilledCost'),
  },
  ok: null,
  okWithoutColumn: 'unknown',
  keep: { if: 'is_none_of', column: ['ChargeCategory'], values: ['tax', 'credit', 'adjustment'] },
  notes: ['Rows of category Tax, Credit or Adjustment are left out.'],
  fieldNotes: { cost_usd: 'One of the four cost columns is summed: EffectiveCost.' },
}
