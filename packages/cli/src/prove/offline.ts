import { readFile, writeFile } from 'node:fs/promises'
import type { Context } from '../context.ts'
import { type ExitCode, proveCodes } from '../exit-codes.ts'
import { guarded, ProveUsageError } from './guarded.ts'
import { paintOf, verdictCodes } from './run-proof.ts'

/** What `prove` does without a server. */
export function runVerify(
  directory: string,
  flags: { readonly key: string; readonly policy?: string },
  context: Context,
): Promise<ExitCode> {
  return guarded(context, async () => {
    const { Policy, verifyProof } = await import('@holdfast/prove')
    const read = (file: string, flag: string): Promise<string> =>
      readFile(file, 'utf8').catch(() => {
        throw new ProveUsageError(`${flag} ${file}: cannot be read`)
      })
    const policy = flags.policy === undefined ? null : await read(flags.policy, '--policy')
    if (policy !== null && !Policy.safeParse(parse(policy)).success)
      throw new ProveUsageError(`--policy ${flags.policy}: not a policy; see docs/prove.md`)
    const key = await read(flags.key, '--key')
    const { problems, unmet, proof } = await verifyProof(directory, key, policy)
    const { stdout } = context
    for (const problem of problems) await stdout.write(`NOT VALID  ${problem}\n`)
    if (problems.length > 0) return proveCodes.noGo
    for (const one of unmet) await stdout.write(`NOT ENOUGH ${one}\n`)
    await stdout.write(
      `valid: ${proof?.headline} of ${proof?.url}, begun ${proof?.startedAt}. Signature, files and verdict fit.\n` +
        'A signature tells who ran the proof, and not that what they ran it against is what you think.\n',
    )
    return unmet.length > 0 ? proveCodes.inconclusive : proveCodes.go
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function runRecheck(file: string, context: Context): Promise<ExitCode> {
  return guarded(context, async () => {
    const { judge, noPaint, renderTerminal, unpackHistory } = await import('@holdfast/prove')
    const packed = await readFile(file).catch(() => {
      throw new ProveUsageError(`${file}: cannot be read`)
    })
    const proof = judge(unpackHistory(packed))
    const { stdout } = context
    await stdout.write(renderTerminal(proof, stdout.isTerminal ? paintOf(true) : noPaint))
    return verdictCodes[proof.verdict]
  })
}

export function runContractDiff(
  before: string,
  after: string,
  flags: { readonly json?: true },
  context: Context,
): Promise<ExitCode> {
  return guarded(context, async () => {
    const { diffContracts, plain } = await import('@holdfast/prove')
    const { changes, says } = diffContracts(await contractAt(before), await contractAt(after))
    const { stdout } = context
    if (flags.json === true) await stdout.write(`${JSON.stringify({ says, changes })}\n`)
    else {
      for (const { kind, rule, path, what } of changes)
        await stdout.write(`${kind.padEnd(12)} ${rule.padEnd(16)} ${plain(path)}: ${plain(what)}\n`)
      await stdout.write(`${says}\n`)
    }
    if (changes.some(({ kind }) => kind === 'breaking')) return proveCodes.noGo
    return changes.some(({ kind }) => kind === 'unclassified') ? proveCodes.inconclusive : proveCodes.go
  })
}

const contractBytes = 16 * 1024 * 1024

async function contractAt(place: string): Promise<unknown> {
  const url = URL.parse(place)
  if (url !== null && /^https?:$/.test(url.protocol)) {
    try {
      const answer = await fetch(new URL('/v1/contract', url), { signal: AbortSignal.timeout(20_000) })
      if (Number(answer.headers.get('content-length') ?? 0) > contractBytes) throw new Error('too large')
      return await answer.json()
    } catch {
      throw new ProveUsageError(`${place}: no contract is given out there`)
    }
  }
  const value = parse(
    await readFile(place, 'utf8').catch(() => {
      throw new ProveUsageError(`${place}: cannot be read`)
    }),
  )
  if (value === undefined) throw new ProveUsageError(`${place}: not JSON`)
  return value
}

/** Exit code 0: every fault was caught and there was no false alarm; 1: not so. */
export function runSelfTest(
  flags: { readonly healthy: number; readonly out?: string },
  context: Context,
): Promise<ExitCode> {
  return guarded(context, async () => {
    const { plain, selfTest } = await import('@holdfast/prove')
    const { stdout, status } = context
    let rows = 0
    const matrix = await selfTest({
      healthy: flags.healthy,
      onRow: () => {
        rows += 1
        status.doing(`${rows} faults planted`)
      },
    })
    status.stop()
    const paint = paintOf(stdout.isTerminal)
    const width = Math.max(...matrix.rows.map(({ fault }) => fault.length))
    for (const { fault, check, caught, why } of matrix.rows)
      await stdout.write(
        `${caught ? paint.good('caught') : paint.bad('MISSED')}  ${fault.padEnd(width)}  ${check.padEnd(18)} ${paint.dim(plain(why).slice(0, 100))}\n`,
      )
    for (const alarm of matrix.healthy.alarms) await stdout.write(`${paint.bad('ALARM')}   ${plain(alarm)}\n`)
    for (const id of matrix.untested) await stdout.write(`${paint.bad('UNTESTED')} ${id}\n`)
    await stdout.write(`\n${matrix.line}\nmatrix ${matrix.hash}, ${matrix.seconds} s\n`)
    if (flags.out !== undefined) await writeFile(flags.out, `${JSON.stringify(matrix, null, 2)}\n`)
    return matrix.ok ? proveCodes.go : proveCodes.noGo
  })
}
