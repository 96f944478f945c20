import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { bugNamed, type Edit } from './bugs.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The text with the edits in it. What they replace must be there exactly once, or the module has moved on. */
export function withEdits(edits: readonly Edit[], source: string): string {
  return edits.reduce((text, { file, from, to }) => {
    const times = text.split(from).length - 1
    if (times !== 1)
      throw new Error(
        `A planted bug looks for a text once in ${file} and finds it ${times} times; fit bugs.ts to the code of today:\n${from}`,
      )
    return text.replace(from, () => to)
  }, source)
}

/**
 * From here on the bug's modules load with the bug in them. The product has no switch for this: what is tested is its
 * source, changed on the way into this process and nowhere else.
 */
export function plant(name: string): void {
  const edits = Map.groupBy(bugNamed(name).edits, ({ file }) => `${root}${file}`)
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      const planted = url.startsWith('file:') ? edits.get(fileURLToPath(url)) : undefined
      if (planted === undefined) return loaded
      const { source } = loaded
      if (source === undefined || source === null) throw new Error(`${url} has no source`)
      const text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString()
      return { ...loaded, source: withEdits(planted, text) }
    },
  })
}
