/**
 * Whether automated tests may sign in here as personas (docs/e2e-simulation.md), and by which keys. Pure.
 *
 * P2: it grants access, so it needs HOLDFAST_ENV set, and not to production; whatever else speaks of production
 * forbids it too. Anything half set stops the boot: a deployment is never simulated by accident, nor only in part.
 */
import { keyProblem, withoutNewline } from '@holdfast/protocol/e2e'
import { isLoopback } from './loopback.ts'
import type { Secret } from './secret.ts'
import { SettingError, type Settings } from './settings.ts'
import type { TierDetection } from './tier.ts'

/** Where a key is. */
export type KeySource =
  | { readonly kind: 'value'; readonly variable: string; readonly key: Secret }
  | { readonly kind: 'file'; readonly variable: string; readonly path: string }
  | { readonly kind: 'secret'; readonly variable: string; readonly version: string }

export type SimulationChoice =
  | { readonly kind: 'off' }
  | {
      readonly kind: 'on'
      readonly host: string
      readonly current: KeySource
      /** Good beside the current one, while it is being replaced. */
      readonly previous: KeySource | null
    }

export type SimulationSettings = Pick<
  Settings,
  | 'host'
  | 'publicUrl'
  | 'platform'
  | 'productionProjects'
  | 'simulationEnabled'
  | 'simulationHost'
  | 'simulationKey'
  | 'simulationKeyFile'
  | 'simulationKeySecret'
  | 'simulationKeyPrevious'
  | 'simulationKeyFilePrevious'
  | 'simulationKeySecretPrevious'
  | 'secretManagerUrl'
>

const keyForm = 'must be 64 lowercase hex digits, made at random (`openssl rand -hex 32`)'

/** @param text as it was read; null: it is a key */
export function keyTextProblem(variable: string, text: string): SettingError | null {
  switch (keyProblem(withoutNewline(text))) {
    case null:
      return null
    case 'form':
      return new SettingError(variable, `${variable} ${keyForm}. What is there has another form.`)
    case 'variety':
      return new SettingError(variable, `${variable} ${keyForm}. What is there can be guessed.`)
  }
}

const versionForm = /^projects\/([a-z0-9][a-z0-9:.-]*)\/secrets\/[\w-]{1,255}\/versions\/([1-9]\d*)$/

/** In the order of the settings page. */
function keySources(settings: SimulationSettings, previous: boolean): readonly KeySource[] {
  const suffix = previous ? '_PREVIOUS' : ''
  const key = previous ? settings.simulationKeyPrevious : settings.simulationKey
  const path = previous ? settings.simulationKeyFilePrevious : settings.simulationKeyFile
  const version = previous ? settings.simulationKeySecretPrevious : settings.simulationKeySecret
  const found: KeySource[] = []
  if (key !== null) found.push({ kind: 'value', variable: `E2E_OAUTH_SIMULATION_KEY${suffix}`, key })
  if (path !== null) found.push({ kind: 'file', variable: `E2E_OAUTH_SIMULATION_KEY_FILE${suffix}`, path })
  if (version !== null)
    found.push({ kind: 'secret', variable: `E2E_OAUTH_SIMULATION_KEY_SECRET${suffix}`, version })
  return found
}

/** Every variable of the simulation that is set, `E2E_SIMULATION_ENABLED=false` among them. */
export function simulationVariables(settings: SimulationSettings): readonly string[] {
  const { simulationEnabled, simulationHost, secretManagerUrl } = settings
  return [
    ...(simulationEnabled === null ? [] : ['E2E_SIMULATION_ENABLED']),
    ...(simulationHost === null ? [] : ['E2E_SIMULATION_HOST']),
    ...[false, true].flatMap((previous) => keySources(settings, previous).map(({ variable }) => variable)),
    ...(secretManagerUrl === null ? [] : ['E2E_SECRET_MANAGER_URL']),
  ]
}

/** Why it must not be here at all; null: it may be. */
function forbidden(
  { platform, productionProjects }: SimulationSettings,
  { tier, how, evidence }: TierDetection,
): string | null {
  if (how !== 'explicit')
    return `HOLDFAST_ENV is not set (${tier} is only ${how}). Set it to development, test or staging, or`
  if (tier === 'production') return 'HOLDFAST_ENV says production, where nobody is simulated. For production'
  const [against] = evidence.filter((piece) => piece.votes.includes('production'))
  if (against !== undefined)
    return `${against.source} (${against.value}) says production, whatever HOLDFAST_ENV says. If it is`
  for (const name of ['GOOGLE_CLOUD_PROJECT', 'GCP_PROJECT_ID'] as const)
    if (productionProjects.includes(platform[name] ?? ''))
      return `HOLDFAST_PRODUCTION_PROJECTS lists the project of ${name}. There`
  return null
}

function hostProblem({
  simulationHost: host,
  publicUrl,
  host: listensAt,
}: SimulationSettings): string | null {
  if (host === null)
    return 'E2E_SIMULATION_ENABLED is set, so E2E_SIMULATION_HOST must be too: the host that signed requests are for.'
  const url = URL.parse(`https://${host}`)
  // Anything more than a host and a port, or a spelling of it that no client would sign.
  if (url === null || (url.host !== host && `${url.host}:443` !== host))
    return 'E2E_SIMULATION_HOST must be a host in lower case, with its port where it has one, and nothing more.'
  if (publicUrl !== null && publicUrl.host !== host)
    return `E2E_SIMULATION_HOST is not the host of HOLDFAST_PUBLIC_URL (${publicUrl.host}). Make them the same.`
  if (publicUrl === null && !(isLoopback(listensAt) && isLoopback(url.hostname)))
    return 'E2E_SIMULATION_HOST must be a loopback address, as HOLDFAST_PUBLIC_URL is not set: nothing else reaches this server.'
  return null
}

function sourceProblem(source: KeySource, { productionProjects }: SimulationSettings): SettingError | null {
  if (source.kind === 'value') return keyTextProblem(source.variable, source.key.reveal())
  if (source.kind === 'file') return null
  const { variable, version } = source
  const [, project] = versionForm.exec(version) ?? []
  if (project === undefined)
    return new SettingError(
      variable,
      `${variable} must be projects/PROJECT/secrets/SECRET/versions/NUMBER. The number is pinned: \`latest\` is the ` +
        'version made last, which a revision that is rolled back does not know.',
    )
  return productionProjects.includes(project)
    ? new SettingError(variable, `${variable} names a secret of a project in HOLDFAST_PRODUCTION_PROJECTS.`)
    : null
}

/** Why a server must not start with these, each naming the variable and never a value. */
export function simulationProblems(
  settings: SimulationSettings,
  detection: TierDetection,
): readonly SettingError[] {
  const given = simulationVariables(settings)
  const [first] = given
  if (first === undefined) return []
  const why = forbidden(settings, detection)
  if (why !== null) return [new SettingError(first, `${first} is set, and ${why} unset ${given.join(', ')}.`)]

  const { simulationEnabled: enabled } = settings
  if (enabled !== null && enabled !== 'true' && enabled !== 'false')
    return [new SettingError('E2E_SIMULATION_ENABLED', 'E2E_SIMULATION_ENABLED must be true, or unset.')]
  if (enabled !== 'true') {
    const [other] = given.filter((name) => name !== 'E2E_SIMULATION_ENABLED')
    if (other === undefined) return []
    return [
      new SettingError(
        'E2E_SIMULATION_ENABLED',
        `${other} is set, and E2E_SIMULATION_ENABLED is not true: set it, or unset ${given.join(', ')}.`,
      ),
    ]
  }

  const problems: SettingError[] = []
  const host = hostProblem(settings)
  if (host !== null) problems.push(new SettingError('E2E_SIMULATION_HOST', host))
  for (const previous of [false, true]) {
    const [source, second] = keySources(settings, previous)
    if (source === undefined && !previous)
      problems.push(
        new SettingError(
          'E2E_OAUTH_SIMULATION_KEY',
          'E2E_SIMULATION_ENABLED is set, so one of E2E_OAUTH_SIMULATION_KEY, E2E_OAUTH_SIMULATION_KEY_FILE and E2E_OAUTH_SIMULATION_KEY_SECRET must be too.',
        ),
      )
    if (source !== undefined && second !== undefined)
      problems.push(
        new SettingError(
          second.variable,
          `${second.variable} is set, and ${source.variable} is too: a key has one source. Unset one.`,
        ),
      )
    const problem = source === undefined ? null : sourceProblem(source, settings)
    if (problem !== null) problems.push(problem)
  }
  return problems
}

/** @throws {SettingError} the first of simulationProblems */
export function chooseSimulation(settings: SimulationSettings, detection: TierDetection): SimulationChoice {
  const [problem] = simulationProblems(settings, detection)
  if (problem !== undefined) throw problem
  const { simulationEnabled, simulationHost: host } = settings
  const [current] = keySources(settings, false)
  const [previous = null] = keySources(settings, true)
  if (simulationEnabled !== 'true' || host === null || current === undefined) return { kind: 'off' }
  return { kind: 'on', host, current, previous }
}
