import type { Secret } from './secret.ts'
import { SettingError, type Settings } from './settings.ts'

/** What carries hints between nodes, and where it is. */
export type BusChoice =
  | { readonly kind: 'in-process' }
  | { readonly kind: 'postgres'; readonly url: Secret }
  | { readonly kind: 'nats'; readonly url: Secret }

export type BusSettings = Pick<Settings, 'bus' | 'databaseUrl' | 'natsUrl'>

/** Why the bus that is set cannot be used, naming what it needs. */
export function busProblems({ bus, databaseUrl, natsUrl }: BusSettings): readonly SettingError[] {
  if (bus === 'postgres' && databaseUrl === null) return [lacks(bus, 'HOLDFAST_DATABASE_URL')]
  if (bus === 'nats' && natsUrl === null) return [lacks(bus, 'HOLDFAST_NATS_URL')]
  return []
}

/**
 * What is set, else the most that is there.
 * @throws {SettingError} what is set needs something that is not
 */
export function chooseBus(settings: BusSettings): BusChoice {
  const [problem] = busProblems(settings)
  if (problem !== undefined) throw problem
  const { bus, databaseUrl, natsUrl } = settings
  if (natsUrl !== null && (bus === null || bus === 'nats')) return { kind: 'nats', url: natsUrl }
  if (databaseUrl !== null && (bus === null || bus === 'postgres'))
    return { kind: 'postgres', url: databaseUrl }
  return { kind: 'in-process' }
}

const lacks = (kind: string, setting: string): SettingError =>
  new SettingError(
    'HOLDFAST_BUS',
    `HOLDFAST_BUS is ${kind}, which needs ${setting}. Set it, or unset HOLDFAST_BUS.`,
  )
