import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'

/**
 * The environment in which a thread or a process of ours finds what was compiled for it before, where this process
 * keeps that at all: most of their start. Nothing else, no secret, is in it.
 */
export function compileCacheEnvironment(): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir()
  // Node names a folder of its version; whoever is given the directory above it makes the same.
  return directory === undefined ? {} : { NODE_COMPILE_CACHE: dirname(directory) }
}
