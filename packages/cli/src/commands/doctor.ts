import { type Finding, inspectBoot } from '@holdfast/server'
import { type SettingValue, settingValues } from '@holdfast/server/start'
import { Command } from 'commander'
import type { Context } from '../context.ts'
import { explain } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { parseHost, parsePort } from './options.ts'

interface DoctorOptions {
  readonly host?: string
  readonly port?: number
  readonly dataDir?: string
  readonly json?: true
}

const help = `
Examples:
  $ holdfast doctor
  $ holdfast doctor --port 9000 --data-dir /var/lib/holdfast
  $ holdfast doctor --json

It starts nothing: whether agents, tools and models fit together only a start tells.

Exit codes: 0 a server would start here · 1 something would stop it`

export function doctorCommand(context: Context, exit: (code: ExitCode) => void): Command {
  return new Command('doctor')
    .description('Look at what a start would need, and change nothing.')
    .option('--host <address>', 'address to listen on (HOLDFAST_HOST)', parseHost)
    .option('--port <number>', 'port to listen on (HOLDFAST_PORT)', parsePort)
    .option('--data-dir <directory>', 'where everything is kept (HOLDFAST_DATA_DIR)')
    .option('--json', 'print the findings as one JSON object')
    .addHelpText('after', help)
    .action(async (options: DoctorOptions) => exit(await doctor(options, context)))
}

const node: Finding = { name: 'Node', state: 'fine', says: process.versions.node }

async function look({ json: _, ...options }: DoctorOptions, context: Context): Promise<readonly Finding[]> {
  try {
    return [node, ...(await inspectBoot({ ...context.settings(), ...options }))]
  } catch (error) {
    // Most likely a setting: the one thing found is why nothing else could be looked at.
    return [node, { name: 'settings', state: 'stops', says: explain(error).sentence }]
  }
}

const marks = { fine: 'ok', notice: '!', stops: 'STOP' } as const satisfies Record<Finding['state'], string>

/** A line for each finding, names and marks in columns. Pure. */
export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length))
  const lines = findings.map(
    ({ name, state, says }) => `${marks[state].padEnd(4)}  ${name.padEnd(width)}  ${says}\n`,
  )
  return lines.join('')
}

/** Every setting as it is here, for programs. */
function allSettings({ host, port, dataDir }: DoctorOptions, context: Context): readonly SettingValue[] {
  const flags = { ...(host && { host }), ...(port !== undefined && { port }), ...(dataDir && { dataDir }) }
  try {
    return settingValues({ ...context.settings(), ...flags })
  } catch {
    // One cannot be read: that is the finding.
    return []
  }
}

async function doctor(options: DoctorOptions, context: Context): Promise<ExitCode> {
  const findings = await look(options, context)
  const ok = findings.every(({ state }) => state !== 'stops')
  await context.stdout.write(
    options.json === true
      ? `${JSON.stringify({ ok, findings, settings: allSettings(options, context) })}\n`
      : renderFindings(findings),
  )
  return ok ? exitCodes.answered : exitCodes.failed
}
