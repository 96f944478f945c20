import { spawn } from 'node:child_process'
import { appendFile, readFile } from 'node:fs/promises'
import type { Facts, Hook, Paint, ProfileName, Proof, ProveOptions } from '@holdfast/prove'
import { readLocalAccess } from '@holdfast/server/start'
import picocolors from 'picocolors'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { type ExitCode, proveCodes } from '../exit-codes.ts'
import { guarded, ProveUsageError, readJson } from './guarded.ts'

export interface ProveFlags {
  readonly profile: ProfileName
  readonly token?: readonly string[]
  readonly dataDir?: string
  readonly simulationKeyFile?: string
  readonly simulationHost?: string
  readonly against?: string
  readonly baseline?: string
  readonly contract?: string
  readonly expectCommit?: string
  readonly expectImage?: string
  readonly users?: number
  readonly runs?: number
  readonly pairs?: number
  readonly pairRuns?: number
  readonly restartHook?: string
  readonly killHook?: string
  readonly rollbackHook?: string
  readonly rollbackCommand?: string
  readonly previous?: string
  readonly waivers?: string
  readonly policy?: string
  readonly killMatrix?: string
  readonly out: string
  readonly sign?: string
  readonly github?: true
  readonly json?: true
}

const Waivers = z.array(
  z.strictObject({
    check: z.string().min(1),
    owner: z.string().min(1),
    reason: z.string().min(1),
    expires: z.iso.date(),
  }),
)

/** More stands in it; this is what a proof says of it. */
const KillMatrixFile = z.object({ hash: z.string().regex(/^[0-9a-f]{64}$/), line: z.string().max(200) })

export const paintOf = (isTerminal: boolean): Paint => {
  const { green, red, yellow, bold, dim } = picocolors.createColors(isTerminal && picocolors.isColorSupported)
  return { good: green, bad: red, doubt: yellow, bold, dim }
}

export const verdictCodes: Readonly<Record<Proof['verdict'], ExitCode>> = {
  GO: proveCodes.go,
  'NO-GO': proveCodes.noGo,
  INCONCLUSIVE: proveCodes.inconclusive,
}

/** One proof, from its flags to its files. */
export function runProof(rawUrl: string, flags: ProveFlags, context: Context): Promise<ExitCode> {
  return guarded(context, async () => {
    const { noPaint, prove, readKey, renderGithub, renderTerminal, renderMarkdown, sealProof, writeProof } =
      await import('@holdfast/prove')
    const options = await optionsOf(rawUrl, flags, context)
    const privateKeyPem = flags.sign === undefined ? null : await text(flags.sign, '--sign')
    if (privateKeyPem !== null) readKey(privateKeyPem)
    const policy = flags.policy === undefined ? null : await text(flags.policy, '--policy')
    const { lines, proof } = await prove({
      ...options,
      onStep: ({ title }, at, of) => context.status.doing(`${at} of ${of}: ${title}`),
    })
    context.status.stop()
    const files = await writeProof(flags.out, lines, proof)
    if (privateKeyPem !== null) await sealProof(flags.out, proof, files, { privateKeyPem, policy })
    const { stdout } = context
    if (flags.json === true) await stdout.write(`${JSON.stringify(proof)}\n`)
    else await stdout.write(renderTerminal(proof, stdout.isTerminal ? paintOf(true) : noPaint))
    if (flags.github === true) {
      await stdout.write(renderGithub(proof))
      const summary = context.settings().githubStepSummary
      if (summary !== null) await appendFile(summary, renderMarkdown(proof))
    }
    if (flags.json !== true)
      await stdout.write(`  ${flags.out}/report.html${privateKeyPem === null ? '' : ', signed'}\n\n`)
    return verdictCodes[proof.verdict]
  })
}

async function optionsOf(rawUrl: string, flags: ProveFlags, context: Context): Promise<ProveOptions> {
  const url = webUrl(rawUrl, 'The address')
  const simulation = await simulationOf(url, flags)
  if (simulation !== null && flags.profile === 'prod-safe')
    throw new ProveUsageError(
      'Production has no simulated users: leave --simulation-key-file out, and name tokens',
    )
  return {
    url,
    profile: flags.profile,
    tokens: simulation === null ? await tokensOf(url, flags, context) : [],
    simulation,
    against: flags.against === undefined ? null : webUrl(flags.against, '--against'),
    expectCommit: matching(
      flags.expectCommit,
      /^[0-9a-f]{7,40}$/,
      '--expect-commit: 7 to 40 lowercase hexadecimal digits',
    ),
    expectImage: matching(
      flags.expectImage,
      /^sha256:[0-9a-f]{64}$/,
      '--expect-image: sha256: and 64 hexadecimal digits',
    ),
    hooks: hooksOf(flags),
    rollbackCommand: flags.rollbackCommand ?? flags.rollbackHook ?? null,
    previous: flags.previous ?? null,
    waivers: flags.waivers === undefined ? [] : await readJson(flags.waivers, '--waivers', Waivers),
    baseline: flags.baseline === undefined ? null : await baselineOf(flags.baseline),
    reference:
      flags.contract === undefined
        ? null
        : {
            contract: await readJson(flags.contract, '--contract', z.record(z.string(), z.unknown())),
            source: flags.contract,
          },
    killMatrix:
      flags.killMatrix === undefined
        ? null
        : await readJson(flags.killMatrix, '--kill-matrix', KillMatrixFile),
    plan: {
      ...(flags.users === undefined ? {} : { users: flags.users }),
      ...(flags.runs === undefined ? {} : { runs: flags.runs }),
      ...(flags.pairs === undefined ? {} : { pairs: flags.pairs }),
      ...(flags.pairRuns === undefined ? {} : { pairRuns: flags.pairRuns }),
    },
  }
}

function webUrl(raw: string, what: string): string {
  const parsed = URL.parse(raw)
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new ProveUsageError(`${what} ${raw}: not an address such as http://127.0.0.1:8080`)
  return parsed.href
}

function matching(value: string | undefined, pattern: RegExp, allowed: string): string | null {
  if (value === undefined) return null
  if (!pattern.test(value)) throw new ProveUsageError(allowed)
  return value
}

const text = (file: string, flag: string): Promise<string> =>
  readFile(file, 'utf8').catch(() => {
    throw new ProveUsageError(`${flag} ${file}: cannot be read`)
  })

/** Of a server on this machine the token is at hand, as for `ask`. */
async function tokensOf(url: string, flags: ProveFlags, context: Context): Promise<readonly string[]> {
  if (flags.token !== undefined && flags.token.length > 0) return flags.token
  const settings = context.settings()
  const given = settings.token?.reveal()
  if (given !== undefined) return [given]
  const access = await readLocalAccess(flags.dataDir ?? settings.dataDir)
  return access !== null && new URL(access.url).origin === new URL(url).origin ? [access.token] : []
}

async function simulationOf(
  url: string,
  flags: ProveFlags,
): Promise<(ProveOptions['simulation'] & object) | null> {
  const { simulationKeyFile: file, simulationHost } = flags
  if (file === undefined) return null
  const key = (await text(file === '-' ? '/dev/stdin' : file, '--simulation-key-file')).replace(/\n$/, '')
  if (!/^[0-9a-f]{64}$/.test(key))
    throw new ProveUsageError('--simulation-key-file: the file must hold 64 lowercase hexadecimal digits')
  return { key, host: simulationHost ?? new URL(url).host }
}

/** Commands of the operator, word for word: nothing that a server said is ever part of one. */
function hooksOf({
  restartHook,
  killHook,
  rollbackHook,
}: ProveFlags): Partial<Record<'restart' | 'kill' | 'rollback', Hook>> {
  const hook =
    (command: string): Hook =>
    () =>
      new Promise((resolve) => {
        const child = spawn(command, { shell: true, stdio: ['ignore', 'ignore', 'inherit'] })
        child.on('error', () => resolve(127))
        child.on('exit', (code) => resolve(code ?? 1))
      })
  return {
    ...(restartHook === undefined ? {} : { restart: hook(restartHook) }),
    ...(killHook === undefined ? {} : { kill: hook(killHook) }),
    ...(rollbackHook === undefined ? {} : { rollback: hook(rollbackHook) }),
  }
}

async function baselineOf(file: string): Promise<Facts['baseline']> {
  const { Proof: schema } = await import('@holdfast/prove')
  const { startedAt, verdict, build, samples, checks } = await readJson(file, '--baseline', schema)
  return {
    madeAt: startedAt,
    verdict,
    commit: build.commit,
    samples,
    checks: Object.fromEntries(checks.map(({ id, outcome }) => [id, outcome])),
  }
}
