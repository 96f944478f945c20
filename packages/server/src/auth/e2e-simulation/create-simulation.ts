import { personas } from '@holdfast/protocol/e2e'
import { sql } from 'kysely'
import type { Store } from '../../store/store.ts'
import { type RandomBytes, systemRandom } from '../secrets.ts'
import { type AddressLimitValues, createAddressLimits } from './address-limits.ts'
import { useNonce } from './nonces.ts'
import { createSimulatedTokens } from './simulated-tokens.ts'
import type { Simulation } from './simulation.ts'
import { type ActiveKey, verifyRequest } from './verify-request.ts'

export interface SimulationOptions {
  readonly store: Pick<Store, 'db'>
  readonly host: string
  /** Those that are good, the current one first. */
  readonly keys: readonly ActiveKey[]
  readonly limits?: AddressLimitValues
  readonly nowMs?: () => number
  readonly random?: RandomBytes
}

export function createSimulation(options: SimulationOptions): Simulation {
  const { store, host, keys, nowMs = Date.now, random = systemRandom } = options
  const issuer = `holdfast:e2e:${host}`
  const limits = createAddressLimits(store, options.limits)
  const { verifier, issueToken } = createSimulatedTokens({ store, issuer, nowMs, random })
  const users = store.db.selectFrom('users').where('kind', '=', 'simulated').where('issuer', '=', issuer)
  return {
    host,
    keyIds: keys.map(({ id }) => id),
    tokens: verifier,
    issueToken,
    async verify(request, address) {
      await limits.enter(address)
      const verified = verifyRequest(request, { keys, host, nowMs: nowMs() })
      if (verified === null) {
        await limits.refused(address)
        return { kind: 'refused' }
      }
      const { keyId, nonce } = verified
      return { kind: (await useNonce(store, nonce)) ? 'good' : 'replayed', keyId }
    },
    identityOf({ persona, run }) {
      const subject = `sim_${run}_${persona}`
      return { issuer, subject, name: `${subject}@e2e.invalid` }
    },
    async personaOf(userId) {
      const row = await users.select('subject').where('id', '=', userId).executeTakeFirst()
      const [, run, name] = /^sim_([^_]+)_([^_]+)$/.exec(row?.subject ?? '') ?? []
      const persona = personas.find((known) => known === name)
      return run === undefined || persona === undefined ? null : { persona, run }
    },
    async usersOf(run) {
      // All that begin so, and not only the personas of this version.
      const rows = await users
        .select('id')
        .where(sql<boolean>`starts_with(subject, ${`sim_${run}_`})`)
        .execute()
      return rows.map(({ id }) => ({ kind: 'simulated', userId: id }))
    },
  }
}
