/** One message of `text/event-stream`. */
export interface ServerSentEvent {
  /** `message` where the server names none. */
  readonly event: string
  readonly data: string
}

/**
 * Bytes as they come to messages, as the HTML standard has it: lines end in LF, CR or CRLF, wherever the network cut
 * them; a line that begins with a colon is a comment.
 */
export function createEventStreamParser(): (chunk: Uint8Array) => readonly ServerSentEvent[] {
  // Takes off a byte order mark, and waits for the rest of a character that was cut.
  const decoder = new TextDecoder()
  let rest = ''
  let event = ''
  let data: string[] = []

  const readLine = (line: string): ServerSentEvent | null => {
    if (line === '') {
      const message = data.length === 0 ? null : { event: event || 'message', data: data.join('\n') }
      event = ''
      data = []
      return message
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    return null
  }

  return (chunk) => {
    rest += decoder.decode(chunk, { stream: true })
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    return lines.flatMap((line) => readLine(line) ?? [])
  }
}
