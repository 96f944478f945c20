/** What work on a whole store is at, for whoever waits for it. */
export type Progress =
  | { readonly doing: 'read'; readonly bytes: number }
  | { readonly doing: 'rows'; readonly table: string; readonly rows: number }
  | { readonly doing: 'files'; readonly files: number; readonly bytes: number }
  | { readonly doing: 'check'; readonly table: string }

export type OnProgress = (progress: Progress) => void
