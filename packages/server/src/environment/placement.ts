import { SettingError, type Settings } from './settings.ts'

type Placement = Pick<Settings, 's3AccessKeyId' | 's3SecretAccessKey'>

/** Why the places that the settings name do not fit together, each naming the setting to change. */
export function placementProblems({ s3AccessKeyId, s3SecretAccessKey }: Placement): readonly SettingError[] {
  const problems: SettingError[] = []
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
