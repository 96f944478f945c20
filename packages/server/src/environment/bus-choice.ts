import type { Secret } from './secret.ts'
import { SettingError, type Settings } from './settings.ts'

/** What carries hints between nodes, and where it is. */
export type BusChoice =
  | { readonly kind: 'in-process' }
  | { readonly kind: 'postgres'; readonly url: Secret }
  | { readonly kind: 'nats'; readonly url: Secret }

/**
 * What is set, else the most that is there.
 * @throws {SettingError} what is set needs something that is not
 */
export function chooseBus({
  bus,
  databaseUrl,
  natsUrl,
}: Pick<Settings, 'bus' | 'databaseUrl' | 'natsUrl'>): BusChoice {
  const kind = bus ?? (natsUrl !== null ? 'nats' : databaseUrl !== null ? 'postgres' : 'in-process')
  switch (kind) {
    case 'in-process':
      return { kind }
    case 'postgres':
      if (databaseUrl === null) throw lacks(kind, 'HOLDFAST_DATABASE_URL')
      return { kind, url: databaseUrl }
    case 'nats':
      if (natsUrl === null) throw lacks(kind, 'HOLDFAST_NATS_URL')
      return { kind, url: natsUrl }
    default:
      return kind satisfies never
  }
}

const lacks = (kind: string, setting: string): SettingError =>
  new SettingError(
    'HOLDFAST_BUS',
    `HOLDFAST_BUS is ${kind}, which needs ${setting}. Set it, or unset HOLDFAST_BUS.`,
  )
