import { SettingError, type Settings } from './settings.ts'

export type PlacementSettings = Pick<
  Settings,
  'role' | 'databaseUrl' | 'files' | 's3AccessKeyId' | 's3SecretAccessKey'
>

/** Why the places that the settings name do not fit together, each naming the setting to change. */
export function placementProblems(settings: PlacementSettings): readonly SettingError[] {
  const { role, databaseUrl, files, s3AccessKeyId, s3SecretAccessKey } = settings
  const problems: SettingError[] = []
  if (role !== 'all' && databaseUrl === null)
    problems.push(
      new SettingError(
        'HOLDFAST_ROLE',
        `HOLDFAST_ROLE (or --role) is ${role}, and the database inside the data directory is for one process that does ` +
          'all. Set HOLDFAST_DATABASE_URL to a PostgreSQL, or HOLDFAST_ROLE to all.',
      ),
    )
  else if (role !== 'all' && files === null)
    problems.push(
      new SettingError(
        'HOLDFAST_FILES',
        `HOLDFAST_ROLE (or --role) is ${role}, and HOLDFAST_FILES is not set: what is uploaded at one server would not be ` +
          'found by another. Set it to a directory that all of them share, or to s3://bucket/prefix.',
      ),
    )
  if ((s3AccessKeyId === null) !== (s3SecretAccessKey === null)) {
    const [missing, given] =
      s3AccessKeyId === null
        ? ['HOLDFAST_S3_ACCESS_KEY_ID', 'HOLDFAST_S3_SECRET_ACCESS_KEY']
        : ['HOLDFAST_S3_SECRET_ACCESS_KEY', 'HOLDFAST_S3_ACCESS_KEY_ID']
    problems.push(
      new SettingError(
        missing,
        `${given} is set and ${missing} is not. Set both, or neither for the role of this machine.`,
      ),
    )
  }
  return problems
}
