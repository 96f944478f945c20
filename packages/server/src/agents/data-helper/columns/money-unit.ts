import type { ColumnProfile } from '../../../workspace/file-profile.ts'
import type { FieldQuestion } from '../field-mapping.ts'

/** Units that cost columns are written in (trap 3). */
export const usdEach = { usd: 1, cents: 0.01, micros: 1e-6, nanos: 1e-9 } as const
export type MoneyUnit = keyof typeof usdEach

export const isMoneyUnit = (unit: string | undefined): unit is MoneyUnit =>
  unit !== undefined && unit in usdEach

/**
 * What a million tokens cost over a whole file, input and output together, whatever the model: below, no model is sold;
 * above, only the dearest would be, used for nothing but long answers.
 */
export const plausibleUsdPerMillionTokens = { least: 0.02, most: 150 } as const

const names: Readonly<Record<MoneyUnit, string>> = {
  usd: 'US dollars',
  cents: 'US cents',
  micros: 'millionths of a dollar',
  nanos: 'billionths of a dollar',
}

/**
 * The question that stands before a cost whose size beside the tokens fits another unit than its name says; null where
 * it fits, or where there are no tokens to hold it against.
 */
export function moneyQuestion(
  column: ColumnProfile,
  named: MoneyUnit,
  tokens: readonly (ColumnProfile | null)[],
): FieldQuestion | null {
  const total = tokens.reduce((sum, each) => sum + sumOf(each), 0)
  const cost = sumOf(column)
  if (total <= 0 || cost <= 0 || tokens.some((each) => each === null)) return null
  const perMillion = (unit: MoneyUnit) => (cost * usdEach[unit] * 1e6) / total
  const plausible = (unit: MoneyUnit) =>
    perMillion(unit) >= plausibleUsdPerMillionTokens.least &&
    perMillion(unit) <= plausibleUsdPerMillionTokens.most
  if (plausible(named)) return null
  const others = (Object.keys(usdEach) as MoneyUnit[]).filter((unit) => unit !== named && plausible(unit))
  // Nothing fits better: an odd price list is the user's own business.
  if (others.length === 0) return null
  return {
    id: `unit:${column.name}`,
    field: 'cost_usd',
    text: `In which unit is the column "${column.name}"? Read as ${names[named]}, a million tokens would cost $${Number(perMillion(named).toPrecision(3))}, which no model does.`,
    choices: [...others, named].map((unit) => ({
      value: unit,
      label: `${names[unit]} (a million tokens would cost $${Number(perMillion(unit).toPrecision(3))})`,
    })),
  }
}

const sumOf = (column: ColumnProfile | null): number => (column?.numeric?.mean ?? 0) * (column?.filled ?? 0)
