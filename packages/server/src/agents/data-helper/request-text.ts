import type { EventData, Question } from '@holdfast/protocol'

/** The request as the assistant says it: one message a person can act on without opening anything else. */
export function requestText(
  question: string,
  request: Pick<EventData<'data_requested'>, 'items' | 'question'>,
  why: string,
): string {
  const parts: string[] = why === '' ? [] : [why]
  if (request.items.length > 0) {
    parts.push(
      `To answer “${question}” I need ${request.items.length === 1 ? 'one thing' : `${request.items.length} things`}:`,
    )
    parts.push(
      ...request.items.map((item) =>
        [
          `- **${item.field}**: ${item.why} Format: ${item.format}, for example \`${item.sample}\`. It unlocks ${item.unlocks}.`,
          ...item.howTo.map(({ provider, steps }) => `  - ${provider}: ${steps}`),
        ].join('\n'),
      ),
    )
    parts.push('Add the file to this thread and the answer continues from here.')
  }
  if (request.question !== undefined) parts.push(questionText(request.question))
  return parts.join('\n\n')
}

/** A question with its choices, numbered, so that `2` is an answer. */
export function questionText({ text, choices }: Question): string {
  return `${text}\n\n${choices.map(({ label }, index) => `${index + 1}. ${label}`).join('\n')}`
}
