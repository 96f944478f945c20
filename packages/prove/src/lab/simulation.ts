import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { SimulationKey } from './lab.ts'

/** The signed request of docs/sign-in.md's simulation: worthless for another host, path, body or minute. */
export function signSimulation(
  { key, host }: SimulationKey,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const nonce = randomBytes(16).toString('base64url')
  const digest = createHash('sha256').update(body).digest('hex')
  const text = ['e2e-sim.v1', method, host, path, timestamp, nonce, digest].join('\n')
  return {
    'x-e2e-key-id': createHash('sha256').update(`kid:${key}`).digest('hex').slice(0, 16),
    'x-e2e-timestamp': timestamp,
    'x-e2e-nonce': nonce,
    'x-e2e-signature': `v1=${createHmac('sha256', key).update(text).digest('hex')}`,
  }
}
