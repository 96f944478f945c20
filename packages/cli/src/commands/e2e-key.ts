import { keyIdOf, keyProblem, newSimulationKey, withoutNewline } from '@holdfast/protocol/e2e'
import { openSecretManager, type SecretManager, type SecretName } from '@holdfast/server'
import { Command } from 'commander'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { parseProject, parseSecret, parseVersion } from './options.ts'

const help = `
The key by which automated tests sign in on one deployment, kept in Google Secret Manager. It is made here, written
there, and never shown. Each command prints what it is in gcloud; with --dry-run it prints only that.

Examples:
  $ holdfast e2e-key create --project acme-staging --secret holdfast-e2e
  $ holdfast e2e-key rotate --project acme-staging --secret holdfast-e2e --dry-run
  $ holdfast e2e-key revoke --project acme-staging --secret holdfast-e2e --secret-version 1
  $ holdfast e2e-key status --project acme-staging --secret holdfast-e2e

What to do when, step by step: docs/e2e-simulation.md`

interface KeyOptions extends SecretName {
  readonly dryRun?: true
}

export function e2eKeyCommand(context: Context, exit: (code: ExitCode) => void): Command {
  const all = new Command('e2e-key').description(
    'Make, replace, take back and see the key of the E2E simulation.',
  )
  const command = (name: string, description: string): Command =>
    all
      .command(name)
      .description(description)
      .requiredOption('--project <id>', 'the project that has the secret', parseProject)
      .requiredOption('--secret <name>', 'the name of the secret', parseSecret)
      .option('--dry-run', 'only print the gcloud commands')

  const act = async (
    { dryRun, ...secret }: KeyOptions,
    commands: readonly string[],
    work: (manager: SecretManager, secret: SecretName) => Promise<string>,
  ): Promise<void> => {
    await context.stdout.write(commands.map((line) => `$ ${line}\n`).join(''))
    if (dryRun !== true) {
      await using manager = await openSecretManager(context.settings().secretManagerUrl)
      await context.stdout.write(`\n${await work(manager, secret)}`)
    }
    exit(exitCodes.answered)
  }

  command('create', 'A new secret with a key.').action((options: KeyOptions) =>
    act(options, [createLine(options), addLine(options)], async (manager, secret) => {
      await manager.create(secret)
      const { name, id } = await addKey(manager, secret)
      return `${name} holds the key ${id}\n${settingsText(name)}`
    }),
  )
  command('rotate', 'A new key beside the old one, which stays good until it is revoked.').action(
    (options: KeyOptions) =>
      act(options, [addLine(options)], async (manager, secret) => {
        const old = (await manager.versions(secret)).find(({ state }) => state === 'enabled')
        const { name, id } = await addKey(manager, secret)
        if (old === undefined) return `${name} holds the key ${id}\n${settingsText(name)}`
        return `${name} holds the key ${id}\n${settingsText(name, versionName(secret, old.version))}
When all who sign use the new key, and no revision is left that would be rolled back to with the old one:
  unset E2E_OAUTH_SIMULATION_KEY_SECRET_PREVIOUS
  holdfast e2e-key revoke --project ${secret.project} --secret ${secret.secret} --secret-version ${old.version}
`
      }),
  )
  command('revoke', 'A version is disabled: a server that starts cannot read it any more.')
    .requiredOption('--secret-version <number>', 'which; `status` shows all', parseVersion)
    .action(({ secretVersion: version, ...options }: KeyOptions & { secretVersion: string }) =>
      act(options, [disableLine(options, version)], async (manager, secret) => {
        await manager.disable(versionName(secret, version))
        return `${versionName(secret, version)} is disabled.
A server that runs has read it already: it takes the key until it starts anew without it.
`
      }),
    )
  command('status', 'The versions of the secret, and the ids of their keys.').action((options: KeyOptions) =>
    act(options, [listLine(options)], async (manager, secret) => {
      const lines: string[] = []
      for (const { version, state, createdAt } of await manager.versions(secret)) {
        const id = state === 'enabled' ? await keyIdIn(manager, versionName(secret, version)) : '–'
        lines.push([version.padEnd(4), state.padEnd(9), createdAt?.toISOString() ?? '–', id].join('  '))
      }
      return lines.length === 0 ? 'The secret has no version.\n' : `${lines.join('\n')}\n`
    }),
  )
  return all.addHelpText('after', help)
}

const versionName = ({ project, secret }: SecretName, version: string): string =>
  `projects/${project}/secrets/${secret}/versions/${version}`

async function addKey(manager: SecretManager, secret: SecretName): Promise<{ name: string; id: string }> {
  const key = newSimulationKey()
  return { name: versionName(secret, await manager.add(secret, key)), id: keyIdOf(key) }
}

/** As logs and the audit log name it. */
async function keyIdIn(manager: SecretManager, version: string): Promise<string> {
  const key = withoutNewline(await manager.read(version))
  return keyProblem(key) === null ? `key ${keyIdOf(key)}` : 'not a simulation key'
}

const settingsText = (name: string, previous?: string): string => `Set on the deployment, and deploy:
  E2E_OAUTH_SIMULATION_KEY_SECRET=${name}
${previous === undefined ? '' : `  E2E_OAUTH_SIMULATION_KEY_SECRET_PREVIOUS=${previous}\n`}`

const createLine = ({ project, secret }: SecretName): string =>
  `gcloud secrets create ${secret} --project=${project} --replication-policy=automatic --labels=managed-by=holdfast`
const addLine = ({ project, secret }: SecretName): string =>
  `openssl rand -hex 32 | gcloud secrets versions add ${secret} --project=${project} --data-file=-`
const disableLine = ({ project, secret }: SecretName, version: string): string =>
  `gcloud secrets versions disable ${version} --secret=${secret} --project=${project}`
const listLine = ({ project, secret }: SecretName): string =>
  `gcloud secrets versions list ${secret} --project=${project}`
