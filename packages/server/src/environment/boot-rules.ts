import { type BusSettings, busProblems } from './bus-choice.ts'
import { type ModelSettings, modelProblems } from './model-choice.ts'
import { type PlacementSettings, placementProblems } from './placement.ts'
import { SettingError } from './settings.ts'
import { type SignInSettings, signInProblems } from './sign-in-choice.ts'
import { type SimulationSettings, simulationProblems } from './simulation-choice.ts'
import type { TierDetection } from './tier.ts'

/**
 * Why a server must not start here, each naming the setting to change. Hosted signals may only tighten:
 * a hosted platform that claims to be a laptop is refused, never trusted.
 */
export function bootProblems(
  detection: TierDetection,
  settings: SignInSettings & PlacementSettings & BusSettings & ModelSettings & SimulationSettings,
): readonly SettingError[] {
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
  problems.push(
    ...simulationProblems(settings, detection),
    ...placementProblems(settings),
    ...busProblems(settings),
    ...modelProblems(settings),
  )
  // Nobody signs in to a worker: it answers about its health and nothing else, wherever it listens.
  if (settings.role !== 'worker') problems.push(...signInProblems(settings, detection))
  return problems
}
