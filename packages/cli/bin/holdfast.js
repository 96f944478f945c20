#!/usr/bin/env node
// Plain JavaScript without newer syntax, because whatever Node is installed runs it. The command itself needs
// Node 24, which `npm ci` brings along as the `node` package: on an older one this file starts that binary and
// stands aside, so that `npx holdfast` works from any shell and not only inside npm scripts.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const neededMajor = 24
// V8 lets its nursery grow to 128 MiB when many connections come at once, and keeps it. The same stands in the
// start script of the repository.
const flags = ['--max-semi-space-size=16']
const major = (version) => Number(version.split('.')[0])

if (major(process.versions.node) >= neededMajor) {
  // Half of the start is compiling. What is compiled is kept beside the packages; where that cannot be written, it
  // is compiled each time.
  nodeModule.enableCompileCache(
    fileURLToPath(new URL('../../../node_modules/.cache/holdfast', import.meta.url)),
  )
  const { run } = await import('../src/main.ts')
  await run(process.argv.slice(2))
} else {
  const binary = findNode()
  if (binary === null) {
    process.stderr.write(
      `holdfast needs Node ${neededMajor} or newer; this is ${process.versions.node}. ` +
        `Run \`npm ci\` in the project, which brings its own, or install Node ${neededMajor}.\n`,
    )
    process.exitCode = 1
  } else relay(binary)
}

/** The binary of the `node` package, where it is installed and new enough. */
function findNode() {
  try {
    const require = nodeModule.createRequire(import.meta.url)
    const manifest = require.resolve('node/package.json')
    if (major(require(manifest).version) < neededMajor) return null
    const binary = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(binary) ? binary : null
  } catch {
    return null
  }
}

function relay(binary) {
  // The channel carries no messages. It closes when this process dies, even of SIGKILL, and then the command
  // closes too: a server that outlived what started it would keep the data directory locked.
  const child = spawn(binary, [...flags, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  const atTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C at a terminal reaches the whole process group: passing it on would be a second one.
      if (!(signal === 'SIGINT' && atTerminal)) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    process.stderr.write(`holdfast could not start ${binary}: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
