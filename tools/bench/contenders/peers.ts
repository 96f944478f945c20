import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A project of its own: `npm ci` of the repository never installs what is only measured beside it. */
export const peersDir = fileURLToPath(new URL('../peers/', import.meta.url))
const installed = join(peersDir, 'node_modules/.holdfast-installed')

/** Installs the peers where that has not been done for this lock file. */
export async function installPeers(): Promise<void> {
  const lock = await readFile(join(peersDir, 'package-lock.json'), 'utf8')
  if (existsSync(installed) && (await readFile(installed, 'utf8')) === lock) return
  console.error('installing the peers into tools/bench/peers (once, some 400 MB) …')
  const child = spawn('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: peersDir,
    stdio: ['ignore', 2, 2],
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('error', reject)
  child.once('exit', (code) =>
    code === 0 ? resolve() : reject(new Error(`npm ci in ${peersDir} ended with ${code}`)),
  )
  await promise
  await writeFile(installed, lock)
}
