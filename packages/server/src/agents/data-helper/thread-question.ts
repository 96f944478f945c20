import type { Question, UserMessage } from '@holdfast/protocol'
import type { EarlierRun } from '../../tools/define-tool.ts'

/** What a thread's messages amount to, put together from its ended runs and the message at hand. */
export interface ThreadQuestion {
  /** The question to answer: the message itself, or the earlier one that was waiting for what this message brings. */
  readonly question: string
  /** Replies to questions with choices, by question id; later ones replace earlier ones. */
  readonly choices: ReadonlyMap<string, string>
  /** The request this message may satisfy; null where the last run asked for nothing. */
  readonly openRequest: NonNullable<EarlierRun['request']> | null
}

/** A message of the thread: what it says, and the files it names. */
export type ThreadMessage = Pick<UserMessage, 'text' | 'files'>

/** Questions whose choices are questions: one that is chosen is asked, and nothing is to be remembered of it. */
const offers: ReadonlySet<string> = new Set(['whole', 'instead'])

/**
 * Pure fold over the thread. A message is taken as a reply when the run before it asked for something and the
 * message is one of the choices, or is no question of its own ("here it is", or a file with any words).
 *
 * @param readChoice the choice a text picks, or null; what is a question besides is told by the last argument
 * @param isQuestion whether a text asks for something the data helper knows
 */
export function threadQuestion(
  earlier: readonly Pick<EarlierRun, 'message' | 'request'>[],
  last: ThreadMessage,
  readChoice: (question: Question, text: string, isQuestion: (text: string) => boolean) => string | null,
  isQuestion: (text: string) => boolean,
): ThreadQuestion {
  const choices = new Map<string, string>()
  const seen = new Set<string>()
  let question = ''
  let open: Open | null = null
  const hear = ({ text, files }: ThreadMessage): boolean => {
    // Which of the files was settled among those that there were.
    if (files.some((file) => !seen.has(file))) choices.delete('file')
    for (const file of files) seen.add(file)
    const asked = open?.request.question
    const choice = asked === undefined ? null : readChoice(asked, text, isQuestion)
    const offered = asked !== undefined && offers.has(asked.id)
    if (asked !== undefined && choice !== null && !offered) choices.set(asked.id, choice)
    const isReply = open !== null && (choice !== null || bringsWhatIsAsked(open, text))
    question = choice !== null && offered ? choice : isReply && open !== null ? open.question : text
    // What was meant by one question says nothing of the next.
    if (!isReply || offered) choices.delete('playbook')
    return isReply
  }
  /** What declined a question waits for another one: only a file can still make the old one answerable. */
  const bringsWhatIsAsked = ({ isLast, request }: Open, text: string): boolean =>
    isLast && !offers.has(request.question?.id ?? '') ? !isQuestion(text) : bringsData(text)
  for (const run of earlier) {
    const isReply: boolean = hear(run.message)
    if (run.request !== null) open = { request: run.request, question, isLast: true }
    // Another question in between leaves a request open: the file may come later, and is welcome then.
    else open = isReply || open === null ? null : setAside(open)
  }
  const isReply = hear(last)
  return { question, choices, openRequest: open !== null && (open.isLast || isReply) ? open.request : null }
}

const setAside = (open: Open): Open => ({ ...open, isLast: false })

interface Open {
  readonly request: NonNullable<EarlierRun['request']>
  /** What the user wanted to know when it was made. */
  readonly question: string
  /** The last run made it: whatever is no question of its own is taken as the reply. */
  readonly isLast: boolean
}

const brings =
  /^(here|attached|uploaded|added|done|ok(ay)?|i('| ha)ve (added|uploaded|attached)|((this|that) is )?the (right|correct) (file|one|export))\b/i
const takesBack =
  /^((oh|oops|sorry|my (mistake|bad)|wrong (file|one|export)|(that|this|it) was the wrong (file|one|export))\s*)+$/i

/**
 * "Here is the usage export", "Sorry, wrong file. Here is the right one": brings something, whatever words of fields
 * and files it uses, and asks for nothing.
 */
export function bringsData(text: string): boolean {
  if (text.includes('?')) return false
  const clauses = text
    .split(/[.,;:!\n]/)
    .map((clause) => clause.trim())
    .filter((clause) => clause !== '')
  const said = clauses.find((clause) => !takesBack.test(clause))
  return said === undefined ? clauses.length > 0 : brings.test(said)
}
