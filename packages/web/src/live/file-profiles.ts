import { type FileId, FileProfileInfo } from '@holdfast/protocol'
import { createStore } from '../model/store.ts'
import { requestJson, sentenceOf } from './api.ts'
import type { Loaded } from './reports.ts'

/** What files hold; a file never changes. */
export const fileProfiles = createStore<ReadonlyMap<FileId, Loaded<FileProfileInfo>>>(new Map())

const put = (id: FileId, loaded: Loaded<FileProfileInfo>): void =>
  fileProfiles.update((all) => new Map([...all, [id, loaded]]))

export async function loadFileProfile(id: FileId): Promise<void> {
  const kind = fileProfiles.get().get(id)?.kind
  if (kind === 'loading' || kind === 'there') return
  put(id, { kind: 'loading' })
  try {
    put(id, { kind: 'there', value: FileProfileInfo.parse(await requestJson(`/v1/files/${id}/profile`)) })
  } catch (error) {
    put(id, { kind: 'failed', why: sentenceOf(error) })
  }
}

/** Fields that were found in files, sure enough to work with. */
export function fieldsIn(
  all: ReadonlyMap<FileId, Loaded<FileProfileInfo>>,
  ids: readonly FileId[],
): readonly string[] {
  return ids.flatMap((id) => {
    const loaded = all.get(id)
    return loaded?.kind === 'there'
      ? loaded.value.fields.filter(({ mapped }) => mapped).map(({ field }) => field)
      : []
  })
}
