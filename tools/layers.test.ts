import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  circles,
  folderGraph,
  importsOf,
  packages,
  ports,
  type SourceFile,
  serverFolders,
  violations,
} from './layers.ts'

const root = join(import.meta.dirname, '..')

function readTree(): readonly SourceFile[] {
  return Object.keys(packages).flatMap((name) => {
    const folder = join(root, 'packages', name)
    return readdirSafely(folder)
      .filter((path) => /\.(ts|tsx|js|mjs)$/.test(path) && !path.includes(`node_modules${sep}`))
      .filter((path) => /^(src|test|bin)[\\/]/.test(path))
      .map((path) => ({
        path: relative(root, join(folder, path)).replaceAll(sep, '/'),
        text: readFileSync(join(folder, path), 'utf8'),
      }))
  })
}

/** Packages of the table that are not built yet have no folder. */
function readdirSafely(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

describe('the tree', () => {
  const files = readTree()

  test('keeps the directions of the table', () => {
    expect(violations(files)).toEqual([])
  })

  test('was read: server folders and imports between them were seen', () => {
    // A checker that reads nothing finds nothing.
    expect(files.length).toBeGreaterThan(40)
    expect(folderGraph(files)['http']).toContain('auth')
  })
})

test('the table itself has no circle', () => {
  expect(circles(serverFolders)).toEqual([])
  expect(
    circles(Object.fromEntries(Object.entries(packages).map(([name, { uses }]) => [name, uses]))),
  ).toEqual([])
})

test('no port turns a direction round', () => {
  const withPorts = Object.fromEntries(
    Object.entries(serverFolders).map(([folder, uses]) => {
      const named = Object.entries(ports).flatMap(([file, rooms]) =>
        rooms.includes(folder) && file.includes('/') ? [file.split('/')[0] ?? ''] : [],
      )
      return [folder, [...new Set([...uses, ...named])].filter((used) => used !== folder)]
    }),
  )
  expect(circles(withPorts)).toEqual([])
})

const server = (path: string, text: string): SourceFile => ({ path: `packages/server/src/${path}`, text })

describe('the checker lets through', () => {
  test.each<[string, SourceFile]>([
    ['a direction of the table', server('log/sql-log.ts', "import { x } from '../store/store.ts'")],
    ['the same folder', server('store/a.ts', "import { x } from './b.ts'")],
    ['a deeper file of the same folder', server('agents/data-helper/a.ts', "import { x } from '../run.ts'")],
    ['principal.ts from anywhere', server('store/a.ts', "import type { P } from '../principal.ts'")],
    ['everything for compose.ts', server('compose.ts', "import { x } from './http/server.ts'")],
    ['the protocol by name', server('bus/a.ts', "import type { Id } from '@holdfast/protocol'")],
    ['other packages', server('bus/a.ts', "import { z } from 'zod'")],
    ['tests across folders', server('bus/a.test.ts', "import { x } from '../store/store.ts'")],
    ['data by URL', server('log/a.ts', "new URL('../../../../../shared/data/', import.meta.url)")],
    [
      'an import in a comment',
      server('store/a.ts', "// import { x } from '../log/log.ts'\n/* import '../log/b.ts' */"),
    ],
    [
      'a port named in a further room',
      server('http/a.ts', "import type { W } from '../workspace/workspace.ts'"),
    ],
    ['process.env in the settings', server('environment/settings.ts', 'const e = process.env')],
    ['process.env in a test', server('log/a.pg.test.ts', 'const e = process.env.X')],
    ['process.env in words', server('log/a.ts', '/** the only reader of process.env */')],
    [
      'the server for the cli',
      { path: 'packages/cli/src/a.ts', text: "import { x } from '@holdfast/server'" },
    ],
  ])('%s', (_name, file) => {
    expect(violations([file])).toEqual([])
  })
})

describe('the checker finds', () => {
  test.each<[string, SourceFile, RegExp]>([
    [
      'an import upwards',
      server('store/a.ts', "import { x } from '../log/log.ts'"),
      /store\/ may not use log\//,
    ],
    ['a type import upwards', server('store/a.ts', "import type { X } from '../log/l.ts'"), /may not use/],
    [
      'an import over several lines',
      server('bus/a.ts', "import {\n  x,\n} from '../log/log.ts'"),
      /may not use/,
    ],
    ['a re-export', server('bus/a.ts', "export * from '../log/log.ts'"), /may not use/],
    ['an import for its effect', server('bus/a.ts', "import '../log/log.ts'"), /may not use/],
    ['a dynamic import', server('bus/a.ts', "await import('../log/log.ts')"), /may not use/],
    ['a worker by URL', server('bus/a.ts', "new URL('../log/w.ts', import.meta.url)"), /may not use/],
    [
      'neighbours on one floor',
      server('log/a.ts', "import { x } from '../auth/session.ts'"),
      /may not use auth/,
    ],
    [
      'deep folders',
      server('agents/data-helper/a.ts', "import { x } from '../../runs/r.ts'"),
      /agents\/ may not use runs/,
    ],
    [
      'a folder reaching for compose.ts',
      server('runs/a.ts', "import { x } from '../compose.ts'"),
      /may not use files at the root/,
    ],
    [
      'more than the port of that room',
      server('http/a.ts', "import { b } from '../workspace/blobs.ts'"),
      /may not use workspace/,
    ],
    [
      'telemetry on the ground',
      server('store/a.ts', "import type { L } from '../telemetry/logger.ts'"),
      /may not use telemetry/,
    ],
    ['a folder nobody listed', server('misc/a.ts', ''), /folder misc\/ is not in the table/],
    ['a package nobody listed', { path: 'packages/extra/src/a.ts', text: '' }, /extra is not in the table/],
    [
      'internals of another package by path',
      { path: 'packages/cli/src/a.ts', text: "import { x } from '../../server/src/compose.ts'" },
      /another package's internals/,
    ],
    [
      'internals of another package by name',
      server('log/a.ts', "import { x } from '@holdfast/protocol/src/ids.ts'"),
      /another package's internals/,
    ],
    [
      'the prover using the server',
      { path: 'packages/prove/src/a.ts', text: "import { x } from '@holdfast/server'" },
      /prove may not use server/,
    ],
    [
      'the protocol using anything',
      { path: 'packages/protocol/src/a.ts', text: "import { x } from '@holdfast/client'" },
      /protocol may not use client/,
    ],
    [
      'even a test using internals',
      { path: 'packages/cli/src/a.test.ts', text: "import '../../server/src/a.ts'" },
      /internals/,
    ],
    [
      'a way out of packages/',
      server('log/a.ts', "import { x } from '../../../../tools/x.ts'"),
      /outside packages/,
    ],
    ['process.env', server('log/a.ts', 'const e = process.env.HOME'), /reads process\.env/],
    ['process.env by index', server('log/a.ts', "const e = process['env']"), /reads process\.env/],
    ['process.env taken apart', server('log/a.ts', 'const { env } = process'), /reads process\.env/],
    [
      'env imported',
      { path: 'packages/cli/src/a.ts', text: "import { env } from 'node:process'" },
      /reads process\.env/,
    ],
  ])('%s', (_name, file, expected) => {
    expect(violations([file]).join('\n')).toMatch(expected)
  })

  test('a circle between folders', () => {
    const files = [
      server('log/a.ts', "import { x } from '../store/s.ts'"),
      server('store/s.ts', "import { y } from '../runs/r.ts'"),
      server('runs/r.ts', "import { z } from '../log/a.ts'"),
    ]
    expect(violations(files)).toContain('a circle between folders: log → store → runs → log')
  })
})

test('imports are read as written', () => {
  const text = `
    import type { A } from 'a'
    import b, { c as d } from "b"
    import 'c'
    export { e } from './d.ts'
    const url = 'https://example.com/import from "not-this"'
    // import 'not-this-either'
    const lazy = await import('./e.ts')
  `
  expect([...importsOf(text)].sort()).toEqual(['./d.ts', './e.ts', 'a', 'b', 'c'])
})
