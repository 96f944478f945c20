import { signRequest } from '@holdfast/protocol/e2e'
import type { Lab, SimulationKey } from './lab.ts'

/** Headers that let one request of the lab in. `body`: byte for byte as it is sent. */
export function signSimulation(
  { url }: Pick<Lab, 'url'>,
  { key, host }: SimulationKey,
  {
    method,
    path,
    body,
  }: { readonly method: 'POST' | 'DELETE'; readonly path: string; readonly body: string },
): Record<string, string> {
  return signRequest({ key, host, method, url: new URL(path, url), body })
}
