/**
 * Who may import whom. The table is architecture.md's; `layers.test.ts` holds the tree against it.
 *
 * Pure: files come in as names and texts, so that the rules can be tried on made-up trees.
 */
import { posix } from 'node:path'

export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string
  readonly text: string
}

/** Folders of packages/server/src: what each may import. Files at the root (compose, main, index) may use all. */
export const serverFolders: Readonly<Record<string, readonly string[]>> = {
  store: [],
  bus: [],
  models: [],
  environment: [],
  telemetry: [],
  // A report as a file: text made of a report, and nothing else.
  reports: [],
  log: ['store'],
  auth: ['store'],
  workspace: ['store'],
  tools: ['workspace'],
  agents: ['models', 'tools'],
  runs: ['log', 'bus', 'agents', 'store'],
  // What is done to data over time, beside the work of any run: it takes away, copies and moves what others made.
  upkeep: ['store', 'log', 'workspace', 'auth'],
  realtime: ['runs', 'log', 'bus', 'auth'],
  http: ['runs', 'log', 'bus', 'auth', 'upkeep', 'reports'],
}

const aboveTheGround = [
  'log',
  'auth',
  'workspace',
  'tools',
  'agents',
  'runs',
  'upkeep',
  'realtime',
  'http',
] as const

/**
 * Single files that more rooms may name than the table says: ports handed from hand to hand. The rest of
 * their folders stays closed, and none of them turns a direction round.
 */
export const ports: Readonly<Record<string, readonly string[]>> = {
  'principal.ts': Object.keys(serverFolders),
  'telemetry/logger.ts': aboveTheGround,
  // Whoever connects to something: how often, and how long between, is decided in one place.
  'environment/retry.ts': ['store', 'bus', 'models', 'auth'],
  'environment/retry-policy.ts': ['store', 'bus', 'models', 'auth'],
  // What a thread or a process of ours is given to start with.
  'environment/compile-cache.ts': ['store', 'workspace'],
  // Which addresses only this machine reaches: one rule for where a server listens and for what it answers to.
  'environment/loopback.ts': ['auth'],
  // A run's context carries the workspace and the tools' declared effects through runs/ to the agent.
  'workspace/workspace.ts': ['agents', 'runs', 'http'],
  // What a file holds, and how its text becomes values: the vocabulary of the data helper.
  'workspace/file-profile.ts': ['agents', 'http'],
  'workspace/casts.ts': ['agents'],
  'tools/define-tool.ts': ['runs'],
  'tools/run-tool.ts': ['runs'],
}

interface PackageRule {
  readonly name: string
  readonly uses: readonly string[]
  /** Entries beside the main one, and who may come in by each. */
  readonly doors?: Readonly<Record<string, readonly string[]>>
}

/** Packages: which others each may import, by their name only, or by a door of theirs. */
export const packages: Readonly<Record<string, PackageRule>> = {
  protocol: {
    name: '@holdfast/protocol',
    uses: [],
    // Signs with the key of a deployment: nothing that a page loads.
    doors: { e2e: ['server', 'cli', 'prove'] },
  },
  client: { name: '@holdfast/client', uses: ['protocol'] },
  // Settings and the start of a server, for commands that load the rest only where they need it.
  server: { name: '@holdfast/server', uses: ['protocol'], doors: { start: ['cli'] } },
  web: { name: '@holdfast/web', uses: ['client', 'protocol'] },
  prove: { name: '@holdfast/prove', uses: ['client', 'protocol'] },
  cli: { name: 'holdfast', uses: ['protocol', 'client', 'server', 'prove'] },
}

/** The one reader of process.env. The command's launcher, tools and tests stand outside the rule. */
const environmentReader = 'packages/server/src/environment/settings.ts'

export const isTest = (path: string): boolean =>
  /\.(test|contract|test-support)\.ts$|\/(test|testing)\//.test(path)

const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, ' ').replaceAll(/(^|[^:'"`\\])\/\/[^\n]*/g, '$1')

// Each form begins a statement, so that words within a string or a template are not taken for one.
const importForms: readonly RegExp[] = [
  /^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^[ \t]*import\s*['"]([^'"]+)['"]/gm,
  /(?<!['"`.\w])import\s*\(\s*['"`]([^'"`]+)['"`]/g,
  // A worker's or child's file is named by a URL beside the module: that is an import too; data is not.
  /\bnew URL\(\s*['"`](\.[^'"`]+\.[cm]?[jt]s)['"`]\s*,\s*import\.meta\.url/g,
]

/** What a file imports, as written. */
export function importsOf(text: string): readonly string[] {
  const code = withoutComments(text)
  return importForms.flatMap((form) => [...code.matchAll(form)].flatMap((match) => match[1] ?? []))
}

interface Place {
  readonly package: string
  /** Folder of the server, `.` for a file at its root; null in other packages. */
  readonly folder: string | null
}

function placeOf(path: string): Place | null {
  const [, name, inside] = /^packages\/([^/]+)\/(.*)$/.exec(path) ?? []
  if (name === undefined || inside === undefined) return null
  if (name !== 'server') return { package: name, folder: null }
  const [, folder] = /^src\/([^/]+)\/.+$/.exec(inside) ?? []
  return { package: name, folder: folder ?? '.' }
}

function checkPackageImport(from: Place, path: string, specifier: string): readonly string[] {
  const entry = Object.entries(packages).find(
    ([, { name }]) => specifier === name || specifier.startsWith(`${name}/`),
  )
  if (entry === undefined) return []
  const [target, { name, doors }] = entry
  const guests = doors?.[specifier.slice(name.length + 1)]
  if (guests !== undefined && (isTest(path) || guests.includes(from.package))) return []
  if (specifier !== name) return [`${path} imports ${specifier}: another package's internals; import ${name}`]
  if (target === from.package || packages[from.package]?.uses.includes(target) === true) return []
  return [`${path} imports ${specifier}: ${from.package} may not use ${target}`]
}

function checkServerImport(from: string, to: string, path: string, target: string): readonly string[] {
  if (from === '.' || from === to) return []
  if (ports[target.replace('packages/server/src/', '')]?.includes(from) === true) return []
  if (to !== '.' && serverFolders[from]?.includes(to) === true) return []
  const room = to === '.' ? 'files at the root of the server' : `${to}/`
  return [`${path} imports ${target}: ${from}/ may not use ${room}`]
}

function checkImport(path: string, specifier: string): readonly string[] {
  const from = placeOf(path)
  if (from === null) return []
  if (!specifier.startsWith('.')) return checkPackageImport(from, path, specifier)
  const target = posix.join(posix.dirname(path), specifier)
  const to = placeOf(target)
  if (to === null) return [`${path} imports ${target}: outside packages/`]
  // A test may start another package's own test support: a real server beats a pretended one.
  if (isTest(path) && /\.test-support\.ts$|\/testing\//.test(target)) return []
  if (to.package !== from.package) return [`${path} imports ${target}: another package's internals`]
  if (from.folder === null || to.folder === null || isTest(path)) return []
  return checkServerImport(from.folder, to.folder, path, target)
}

function checkFolder(path: string): readonly string[] {
  const place = placeOf(path)
  if (place === null) return []
  if (packages[place.package] === undefined)
    return [`${path}: the package ${place.package} is not in the table`]
  const { folder } = place
  if (folder === null || folder === '.' || serverFolders[folder] !== undefined) return []
  return [`${path}: the folder ${folder}/ is not in the table`]
}

function checkEnvironment({ path, text }: SourceFile): readonly string[] {
  if (!path.startsWith('packages/') || path === environmentReader || isTest(path)) return []
  // `env` taken from process by destructuring or by an index reads it too.
  const reads =
    /\bprocess\s*(\?\.|\.|\[\s*['"`])\s*env\b|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b|\bimport\s*\{[^}]*\benv\b[^}]*\}\s*from\s*['"]node:process['"]/
  return reads.test(withoutComments(text)) ? [`${path} reads process.env: only ${environmentReader} may`] : []
}

/** Folders of the table that reach themselves, as `a → b → a`. */
export function circles(table: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const found = new Set<string>()
  const walk = (folder: string, trail: readonly string[]): void => {
    const at = trail.indexOf(folder)
    if (at !== -1) {
      const ring = trail.slice(at)
      // The same ring is met from each of its folders: it is written from its first by name.
      const first = ring.indexOf([...ring].sort()[0] ?? folder)
      const turned = [...ring.slice(first), ...ring.slice(0, first)]
      found.add([...turned, turned[0]].join(' → '))
      return
    }
    for (const next of table[folder] ?? []) walk(next, [...trail, folder])
  }
  for (const folder of Object.keys(table)) walk(folder, [])
  return [...found]
}

/** Which server folders import which, as the files have it. */
export function folderGraph(files: readonly SourceFile[]): Readonly<Record<string, readonly string[]>> {
  const graph = new Map<string, Set<string>>()
  for (const { path, text } of files) {
    const from = placeOf(path)
    if (from === null || from.folder === null || from.folder === '.' || isTest(path)) continue
    const uses = graph.get(from.folder) ?? new Set<string>()
    graph.set(from.folder, uses)
    for (const specifier of importsOf(text)) {
      if (!specifier.startsWith('.')) continue
      const to = placeOf(posix.join(posix.dirname(path), specifier))
      if (to !== null && to.folder !== null && to.folder !== '.' && to.folder !== from.folder)
        uses.add(to.folder)
    }
  }
  return Object.fromEntries([...graph].map(([folder, uses]) => [folder, [...uses].sort()]))
}

/** Every import that runs the wrong way, every circle, every reader of process.env: a sentence each. */
export function violations(files: readonly SourceFile[]): readonly string[] {
  return [
    ...files.flatMap(({ path }) => checkFolder(path)),
    ...files.flatMap(({ path, text }) =>
      importsOf(text).flatMap((specifier) => checkImport(path, specifier)),
    ),
    ...files.flatMap(checkEnvironment),
    ...circles(folderGraph(files)).map((circle) => `a circle between folders: ${circle}`),
  ]
}
