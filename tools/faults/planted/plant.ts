import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { bugNamed, type PlantedBug } from './bugs.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The text with the bug in it. Each text to replace must be there exactly once, or the module has moved on. */
export function withBug({ name, file, edits }: PlantedBug, source: string): string {
  return edits.reduce((text, [from, to]) => {
    const times = text.split(from).length - 1
    if (times !== 1)
      throw new Error(
        `The planted bug ${name} looks for this text once in ${file} and finds it ${times} times; fit it to the code of today:\n${from}`,
      )
    return text.replace(from, () => to)
  }, source)
}

/**
 * From here on the bug's module loads with the bug in it. The product has no switch for this: what is tested is its
 * source, changed on the way into the process and nowhere else.
 */
export function plant(name: string): void {
  const bug = bugNamed(name)
  const target = `${root}${bug.file}`
  registerHooks({
    load(url, context, nextLoad) {
      if (!url.startsWith('file:') || fileURLToPath(url) !== target) return nextLoad(url, context)
      const loaded = nextLoad(url, context)
      if (loaded.source === undefined || loaded.source === null) throw new Error(`${bug.file} has no source`)
      const source =
        typeof loaded.source === 'string'
          ? loaded.source
          : Buffer.from(loaded.source as Uint8Array).toString()
      return { ...loaded, source: withBug(bug, source) }
    },
  })
}
