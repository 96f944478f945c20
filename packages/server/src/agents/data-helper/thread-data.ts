import type { ErrorCode, FileInfo } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import type { ToolContext } from '../../tools/define-tool.ts'
import type { FileProfile } from '../../workspace/file-profile.ts'

/** What a thread's files hold, as far as they can be read. */
export interface ThreadData {
  readonly profiles: readonly FileProfile[]
  /** Files that are no tables, each with what is wrong and what to do. */
  readonly unreadable: readonly { readonly file: FileInfo; readonly why: string }[]
  /** The names SQL uses for the raw tables, by file id. */
  readonly tableNames: ReadonlyMap<string, string>
}

/** Profiles every file of the thread; the first time that ingests it, afterwards it is a read of the stored profile. */
export async function readThreadData(context: ToolContext): Promise<ThreadData> {
  const profiles: FileProfile[] = []
  const unreadable: { file: FileInfo; why: string }[] = []
  // One after the other: each ingest is a child process that may use all the memory it is allowed.
  for (const file of await context.workspace.files()) {
    try {
      profiles.push(await context.workspace.profile(file.id, context.signal))
    } catch (error) {
      if (!(error instanceof HoldfastError) || !ofTheFile.has(error.code)) throw error
      unreadable.push({ file, why: error.message })
    }
  }
  return { profiles, unreadable, tableNames: tableNames(profiles) }
}

/** What is wrong with one file and leaves the others usable. */
const ofTheFile: ReadonlySet<ErrorCode> = new Set(['file_unreadable', 'payload_too_large'])

/** A short SQL name a file: its own name where that can be one, numbered where two would be the same. */
function tableNames(profiles: readonly FileProfile[]): ReadonlyMap<string, string> {
  const taken = new Set<string>()
  const names = new Map<string, string>()
  for (const { fileId, fileName } of profiles) {
    const stem = fileName.toLowerCase().replace(/(\.[a-z0-9]{1,8}){1,2}$/, '')
    const clean = stem.replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '')
    const base = /^[a-z]/.test(clean) ? clean.slice(0, 40) : `t_${clean.slice(0, 38)}`
    let name = base
    for (let count = 2; taken.has(name) || reserved.has(name); count += 1) name = `${base}_${count}`
    taken.add(name)
    names.set(fileId, name)
  }
  return names
}

/** Names of the tables that playbooks make beside the raw ones, and of the one-file shorthand. */
const reserved: ReadonlySet<string> = new Set(['usage', 'usage_list_prices', 'data'])
