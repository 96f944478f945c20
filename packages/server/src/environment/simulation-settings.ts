/**
 * Settings of the E2E simulation, by which automated tests sign in without a provider. What they may hold, and where
 * they may be set at all, is judged in simulation-choice.ts: there it is known whether this is production.
 */
import { z } from 'zod'
import { isLoopback } from './loopback.ts'
import { type Secret, secret } from './secret.ts'
import { type Setting, setting } from './setting.ts'

const anyText = z.string().transform(secret).nullable()

function key(name: string, sentence: string): Setting<Secret | null> {
  return setting<Secret | null>({
    names: [name],
    parser: anyText,
    fallback: null,
    allowed: '64 lowercase hex digits, made at random',
    sentence,
    secret: true,
  })
}

function text(name: string, allowed: string, sentence: string): Setting<string | null> {
  return setting<string | null>({
    names: [name],
    parser: z.string().nullable(),
    fallback: null,
    allowed,
    sentence,
  })
}

const secretVersion = 'projects/PROJECT/secrets/SECRET/versions/NUMBER'

export const simulationTable = {
  productionProjects: setting<readonly string[]>({
    names: ['HOLDFAST_PRODUCTION_PROJECTS'],
    parser: z
      .string()
      .transform((given) => given.split(',').map((project) => project.trim()))
      .pipe(z.array(z.string().regex(/^[a-z0-9][a-z0-9:.-]*$/))),
    fallback: [],
    allowed: 'project ids with commas between them, such as acme-prod,acme-eu',
    sentence:
      'Projects of the platform that are production, whatever HOLDFAST_ENV says: no E2E simulation in them.',
  }),
  simulationEnabled: text(
    'E2E_SIMULATION_ENABLED',
    'true',
    'With true, automated tests sign in as personas, by the key below (docs/e2e-simulation.md). Needs HOLDFAST_ENV set, and not to production.',
  ),
  simulationHost: text(
    'E2E_SIMULATION_HOST',
    'the host of this deployment, with its port where it has one, such as chat.staging.example.com',
    'The host that signed requests are for, so that a captured one is worthless elsewhere; that of HOLDFAST_PUBLIC_URL where that is set.',
  ),
  simulationKey: key(
    'E2E_OAUTH_SIMULATION_KEY',
    'The simulation key of this deployment; one of these three.',
  ),
  simulationKeyFile: text(
    'E2E_OAUTH_SIMULATION_KEY_FILE',
    'a file that holds 64 lowercase hex digits, made at random',
    'A file that holds the simulation key.',
  ),
  simulationKeySecret: text(
    'E2E_OAUTH_SIMULATION_KEY_SECRET',
    secretVersion,
    'A version of a secret in Google Secret Manager that holds the simulation key, by its number.',
  ),
  simulationKeyPrevious: key(
    'E2E_OAUTH_SIMULATION_KEY_PREVIOUS',
    'While a key is being replaced: the old one, which is good beside the new one; one of these three.',
  ),
  simulationKeyFilePrevious: text(
    'E2E_OAUTH_SIMULATION_KEY_FILE_PREVIOUS',
    'a file that holds 64 lowercase hex digits, made at random',
    'A file that holds the old simulation key.',
  ),
  simulationKeySecretPrevious: text(
    'E2E_OAUTH_SIMULATION_KEY_SECRET_PREVIOUS',
    secretVersion,
    'A version of a secret in Google Secret Manager that holds the old simulation key, by its number.',
  ),
  secretManagerUrl: setting<URL | null>({
    names: ['E2E_SECRET_MANAGER_URL'],
    parser: z
      .url({ protocol: /^http$/ })
      .transform((given) => new URL(given))
      .refine((url) => isLoopback(url.hostname))
      .nullable(),
    fallback: null,
    allowed: 'a URL that begins with http:// and a loopback address',
    sentence:
      'A stand-in for Google Secret Manager on this machine, for trials; asked without credentials. Unset: the real one.',
  }),
} as const
