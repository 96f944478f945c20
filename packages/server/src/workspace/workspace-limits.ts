const MiB = 1024 * 1024

/** Bounds of what a thread may hold. Each is met by a test. */
export const workspaceLimits = {
  /** One upload as it arrives. */
  fileBytes: 1024 * MiB,
  /** A gzip file after unpacking, and an xlsx file's parts together. */
  unpackedBytes: 2048 * MiB,
  /** Unpacked bytes for each packed one, watched once `ratioFromBytes` are unpacked. Real exports reach about 40. */
  unpackedRatio: 300,
  ratioFromBytes: 32 * MiB,
  /** xlsx is read into memory as a whole. */
  xlsxUnpackedBytes: 512 * MiB,
  /** A JSON document is read into memory as a whole; JSONL is not. */
  jsonDocumentBytes: 256 * MiB,
  /** One line of JSONL or one row of delimited text. */
  lineBytes: 16 * MiB,
  columns: 2_000,
  /** Characters of a file's name; the rest is cut. */
  nameLength: 255,
  /** Stored tables that a node keeps for queries to come; each can be made again of its upload. */
  cachedTableBytes: 4096 * MiB,
  /** Uploads that a node has fetched from a store of objects. */
  cachedUploadBytes: 4096 * MiB,
  /** One artifact. */
  artifactBytes: 64 * MiB,
  /** Child processes with a job at once; further jobs wait their turn. */
  jobs: 4,
  /**
   * A table of CSV, TSV or Parquet of so many bytes in memory is held there by the child that read it, to answer the
   * queries that follow. A smaller one is stored in no time; a larger one would leave queries too little beside it.
   */
  heldFromBytes: 16 * MiB,
  heldUpToBytes: 512 * MiB,
  /** Children that hold a table and wait; with one more, that which has waited longest is killed. */
  heldTables: 2,
  /** How long a child waits for the next query before it is killed. */
  heldMs: 60_000,
} as const

export type WorkspaceLimits = { readonly [Name in keyof typeof workspaceLimits]: number }
