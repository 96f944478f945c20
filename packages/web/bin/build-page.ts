/**
 * Builds the page where it is stale: `npm start` and `npm test` run this first. What it was built of is remembered as a
 * digest, so that an unchanged page costs some milliseconds. Needs no network.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'

const web = join(import.meta.dirname, '..')
const root = join(web, '../..')
export const pageDirectory = join(web, 'dist')

/** What the page is made of, besides the versions in the lock file. */
const sources = [
  'packages/web/src',
  'packages/web/public',
  'packages/client/src',
  'packages/protocol/src',
  'packages/cli/src/sample',
  'packages/web/index.html',
  'packages/web/login.html',
  'packages/web/vite.config.ts',
  'packages/web/package.json',
  'package-lock.json',
  'packages/web/bin/build-page.ts',
]

async function filesOf(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => null)
  if (entries === null) return [path]
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256')
  for (const source of sources)
    for (const file of [...(await filesOf(join(root, source)))].sort())
      if (!file.includes('.test')) hash.update(file.slice(root.length)).update(await readFile(file))
  return hash.digest('hex')
}

/** What `holdfast sample` prints: the page offers it to whoever has no data at hand. */
async function sampleCsv(): Promise<string> {
  const holdfast = join(root, 'packages/cli/bin/holdfast.js')
  const { stdout } = await promisify(execFile)(process.execPath, [holdfast, 'sample'], {
    maxBuffer: 16 * 1024 * 1024,
  })
  return stdout
}

/** Beside each file a compressed one, for browsers that take it: nothing is compressed while somebody waits. */
async function compressAll(directory: string): Promise<void> {
  const files = (await filesOf(directory)).filter((file) => /\.(js|css|svg|html|csv)$/.test(file))
  await Promise.all(
    files.map(async (file) => {
      const packed = await promisify(gzip)(await readFile(file), { level: constants.Z_BEST_COMPRESSION })
      await writeFile(`${file}.gz`, packed)
    }),
  )
}

/** @returns whether there was anything to do */
export async function buildPage(): Promise<boolean> {
  const digest = await digestOfSources()
  const stamp = join(pageDirectory, '.built-of')
  if ((await readFile(stamp, 'utf8').catch(() => '')) === digest) return false
  const vite = await import('vite').catch(() => null)
  if (vite === null) {
    // An installation without development packages brings its page along.
    if (existsSync(join(pageDirectory, 'index.html'))) return false
    throw new Error('The page is not built, and Vite is not installed: run `npm ci` without --omit=dev')
  }
  // Built aside and put in its place in one step: a server that reads it meanwhile, or another build, sees a whole one.
  const fresh = `${pageDirectory}-${process.pid}`
  const old = `${pageDirectory}-old-${process.pid}`
  try {
    const configFile = join(web, 'vite.config.ts')
    await vite.build({ configFile, logLevel: 'warn', build: { outDir: fresh, emptyOutDir: true } })
    await writeFile(join(fresh, 'sample-usage.csv'), await sampleCsv())
    await compressAll(fresh)
    await writeFile(join(fresh, '.built-of'), digest)
    await mkdir(pageDirectory, { recursive: true })
    await rename(pageDirectory, old)
    await rename(fresh, pageDirectory)
  } finally {
    await rm(fresh, { recursive: true, force: true })
    await rm(old, { recursive: true, force: true })
  }
  return true
}

if (import.meta.main) {
  const began = performance.now()
  if (await buildPage())
    console.log(`The page is built (${((performance.now() - began) / 1000).toFixed(1)} s).`)
}
