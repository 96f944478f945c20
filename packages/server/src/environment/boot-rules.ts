import { isLoopback } from './loopback.ts'
import { SettingError } from './settings.ts'
import type { TierDetection } from './tier.ts'

/**
 * Why a server must not start here, each naming the setting to change. Hosted signals may only tighten:
 * a hosted platform that claims to be a laptop is refused, never trusted.
 */
export function bootProblems(detection: TierDetection, host: string): readonly SettingError[] {
  const problems: SettingError[] = []
  const platform = detection.evidence.find((piece) => piece.hosted)
  if (platform !== undefined && (detection.tier === 'development' || detection.tier === 'test'))
    problems.push(
      new SettingError(
        'HOLDFAST_ENV',
        `HOLDFAST_ENV says ${detection.tier}, but ${platform.source} says that this is a hosted platform. ` +
          'Set HOLDFAST_ENV to staging or production.',
      ),
    )
  if (!isLoopback(host))
    problems.push(
      new SettingError(
        'HOLDFAST_HOST',
        `The server would listen beyond this machine (HOLDFAST_HOST or --host), and sign-in with an identity ` +
          'provider does not exist yet: only local mode does. Set HOLDFAST_HOST to 127.0.0.1.',
      ),
    )
  return problems
}
