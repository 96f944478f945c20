/**
 * `npm run check`: format and lint, floating promises, types, unused code and layers, side by side.
 * Prints a line a tool, and the whole output of those that fail.
 */
import { spawn } from 'node:child_process'

const tools: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['lint', 'biome', 'ci', '--colors=off', '.'],
  ['promises', 'oxlint', '--type-aware', '--quiet'],
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['page', 'tsc', '-p', 'packages/web/tsconfig.json'],
  ['unused', 'knip', '--no-progress'],
  ['layers', 'vitest', 'run', 'tools/layers.test.ts', '--reporter=dot', '--no-color'],
]

interface Outcome {
  readonly name: string
  readonly code: number
  readonly seconds: number
  readonly output: string
}

function run(name: string, command: string, args: readonly string[]): Promise<Outcome> {
  const began = performance.now()
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const chunks: Buffer[] = []
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  const end = (code: number, output: string): void =>
    resolve({ name, code, seconds: (performance.now() - began) / 1000, output })
  child.on('error', (error) => end(1, `${command}: ${error.message}. Run \`npm ci\` first.`))
  child.on('close', (code) => end(code ?? 1, Buffer.concat(chunks).toString('utf8')))
  return promise
}

const outcomes = await Promise.all(tools.map(([name, command, ...args]) => run(name, command, args)))
for (const { name, code, seconds } of outcomes)
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(9)} ${seconds.toFixed(1)} s`)
const failed = outcomes.filter(({ code }) => code !== 0)
for (const { name, output } of failed) console.log(`\n--- ${name}\n${output.trim()}`)
process.exitCode = failed.length === 0 ? 0 : 1
