import { readFile } from 'node:fs/promises'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { dirname, extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const zod = dirname(createRequire(import.meta.url).resolve('zod/package.json'))

/** Bare names, as the package's own imports have them, to where `servePage` has the sources. */
const importMap = {
  imports: {
    '@holdfast/client': '/packages/client/src/index.ts',
    '@holdfast/protocol': '/packages/protocol/src/index.ts',
    zod: `/${relative(root, zod).split(sep).join('/')}/index.js`,
  },
}

/** A page without a bundler: sources as they are, their types stripped. null: nothing of the page's. */
export async function servePage(
  pathname: string,
): Promise<{ readonly type: string; readonly body: string } | null> {
  if (pathname === '/page') {
    const map = `<script type="importmap">${JSON.stringify(importMap)}</script>`
    return { type: 'text/html', body: `<!doctype html><title>page</title>${map}` }
  }
  if (!/^\/(packages\/(client|protocol)\/(src|test)|node_modules\/zod)\/[\w./-]+\.(ts|js)$/.test(pathname))
    return null
  const text = await readFile(join(root, pathname), 'utf8')
  return { type: 'text/javascript', body: extname(pathname) === '.ts' ? stripTypeScriptTypes(text) : text }
}
