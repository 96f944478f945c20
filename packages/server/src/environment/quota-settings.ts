import { MiB, type Setting, setting, wholeNumber } from './setting.ts'

/** Counted only where people sign in with a provider: on one's own machine nobody is limited. */
function quota(name: string, fallback: number, sentence: string): Setting<number> {
  const most = 2 ** 49
  return setting<number>({
    names: [name],
    parser: wholeNumber(0, most),
    fallback,
    allowed: `a whole number from 0 to ${most}`,
    sentence,
  })
}

export const quotaTable = {
  messagesPerMinute: quota('HOLDFAST_MESSAGES_PER_MINUTE', 60, 'Messages a user may send in a minute.'),
  tokensPerDay: quota(
    'HOLDFAST_TOKENS_PER_DAY',
    5_000_000,
    'Tokens of language models that a user may use up in a day (UTC).',
  ),
  toolSecondsPerDay: quota(
    'HOLDFAST_TOOL_SECONDS_PER_DAY',
    7_200,
    'Seconds that the tools of a user may work in a day (UTC).',
  ),
  uploadBytesPerDay: quota(
    'HOLDFAST_UPLOAD_BYTES_PER_DAY',
    20 * 1024 * MiB,
    'Bytes that a user may upload in a day (UTC).',
  ),
  signInsPerMinute: quota(
    'HOLDFAST_SIGN_INS_PER_MINUTE',
    60,
    'Tries to sign in that one address may make in a minute.',
  ),
} as const
