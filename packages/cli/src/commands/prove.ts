import type { ProfileName } from '@holdfast/prove'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { runContractDiff, runRecheck, runSelfTest, runVerify } from '../prove/offline.ts'
import { type ProveFlags, runProof } from '../prove/run-proof.ts'
import { collect } from './options.ts'

const help = `
Examples:
  $ holdfast prove http://127.0.0.1:8080 --profile local
  $ holdfast prove https://cand---agent.example.app --against https://agent.example.app --expect-image sha256:…
  $ holdfast prove verify proof --key proof.pub --policy policy.json
  $ holdfast prove recheck proof/history.jsonl.gz
  $ holdfast prove self-test --out kill-matrix.json

The reports are written to --out: report.html for people, report.md, junit.xml, ctrf.json, proof.json, and the history
that all of them follow from. How to read them, and what they cannot tell: docs/prove.md.

Exit codes: 0 GO · 1 NO-GO · 2 INCONCLUSIVE · 3 wrong usage · 4 nobody there speaks HTTP · 5 a fault of this command
            verify: 0 valid · 1 not valid · 2 valid, and not enough for the policy`

const profileNames: readonly ProfileName[] = ['local', 'staging', 'prod-safe']

function parseCount(text: string): number {
  const count = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (count < 1) throw new InvalidArgumentError('It must be a whole number from 1 to 99999.')
  return count
}

export function proveCommand(context: Context, exit: (code: ExitCode) => void): Command {
  const command = new Command('prove')
    // What stands after the name of a subcommand is the subcommand's.
    .enablePositionalOptions()
    .description('Exercise a running server from outside, and say go, no-go or inconclusive.')
    .argument('<url>', 'the server to prove')
    .addOption(
      new Option('--profile <profile>', 'what is done and what has to hold')
        .choices(profileNames)
        .default('staging'),
    )
    .option('--token <token>', 'of a user to act as; may be given several times (HOLDFAST_TOKEN)', collect)
    .option(
      '--data-dir <directory>',
      'of a server on this machine, whose token lies there (HOLDFAST_DATA_DIR)',
    )
    .option(
      '--simulation-key-file <file>',
      'sign in simulated users with the key in this file; - is standard input',
    )
    .option(
      '--simulation-host <host>',
      'what the server has as E2E_SIMULATION_HOST; default: the host of the url',
    )
    .option('--against <url>', 'the stable build, to be measured beside this one')
    .option('--baseline <file>', 'proof.json of an earlier proof, to compare with; decides nothing')
    .option('--contract <file>', 'the contract that clients were built against; default: of this command')
    .option('--expect-commit <sha>', 'the commit that has to answer')
    .option('--expect-image <digest>', 'the image that has to answer, sha256:…')
    .option('--users <count>', 'at once', parseCount)
    .option('--runs <count>', 'of each of them', parseCount)
    .option('--pairs <count>', 'paired blocks of --against', parseCount)
    .option('--pair-runs <count>', 'runs a side in each block', parseCount)
    .option('--restart-hook <command>', 'stops the server politely and starts it, while runs go on')
    .option('--kill-hook <command>', 'kills the server and starts it, while runs go on')
    .option('--rollback-hook <command>', 'goes back to the previous build')
    .option('--rollback-command <text>', 'printed as the way back; default: the rollback hook')
    .option('--previous <name>', 'of the previous revision, for the report')
    .option('--waivers <file>', 'JSON: [{ check, owner, reason, expires }]')
    .option('--kill-matrix <file>', 'of self-test --out: what this prover was shown to catch, for the report')
    .option('--policy <file>', 'its digest is signed along')
    .option('--out <directory>', 'where the reports go', 'proof')
    .option('--sign <file>', 'an ed25519 private key in PEM')
    .option('--github', 'print annotations, and append to GITHUB_STEP_SUMMARY')
    .option('--json', 'print proof.json in place of words')
    .addHelpText('after', help)
    .action(async (url: string, flags: ProveFlags) => exit(await runProof(url, flags, context)))

  command
    .command('verify')
    .description('Is a signed proof what it says, and enough?')
    .argument('<directory>', 'of the proof')
    .requiredOption('--key <file>', 'the public key of the signer, in PEM')
    .option('--policy <file>', 'JSON: what a proof has to have')
    .action(async (directory: string, flags: { key: string; policy?: string }) =>
      exit(await runVerify(directory, flags, context)),
    )
  command
    .command('recheck')
    .description('Judge a recorded history again.')
    .argument('<history>', 'history.jsonl.gz of a proof')
    .action(async (file: string) => exit(await runRecheck(file, context)))
  command
    .command('self-test')
    .description('Show that every check fails on its fault, and none without.')
    .option('--healthy <count>', 'proofs of the healthy server', parseCount, 20)
    .option('--out <file>', 'write the matrix there, as JSON, for --kill-matrix')
    .action(async (flags: { healthy: number; out?: string }) => exit(await runSelfTest(flags, context)))
  const contract = command.command('contract').description('Compare contracts.')
  contract
    .command('diff')
    .description('What changed from one contract to another, and whom it breaks.')
    .argument('<before>', 'a file or the address of a server')
    .argument('<after>', 'a file or the address of a server')
    .option('--json', 'print the changes as JSON')
    .action(async (before: string, after: string, flags: { json?: true }) =>
      exit(await runContractDiff(before, after, flags, context)),
    )
  return command
}
