/** A bug that somebody could write, as an edit of one file of the product. */
export interface PlantedBug {
  readonly name: string
  /** From the root of the repository. */
  readonly file: string
  readonly edits: readonly (readonly [from: string, to: string])[]
}

export const plantedBugs: readonly PlantedBug[] = []

export function bugNamed(name: string): PlantedBug {
  const bug = plantedBugs.find((candidate) => candidate.name === name)
  if (bug === undefined) throw new Error(`There is no planted bug named ${name}`)
  return bug
}
