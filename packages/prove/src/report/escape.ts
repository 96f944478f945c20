/**
 * Every string of a server is hostile until it has been through one of these. Control characters never reach a terminal,
 * a file or a browser: an escape sequence could move the cursor over a NO-GO.
 */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').slice(0, 2_000)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** For HTML and XML, text and attributes. */
export const html = (text: string): string =>
  plain(text).replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? '')

/** For Markdown, and so also for a step summary: nothing of it is markup, a link or HTML. */
export const markdown = (text: string): string =>
  plain(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_{}[\]()#+!|~@]/g, (sign) => `\\${sign}`)
    .replaceAll(/:\/\//g, ':&#8203;//')

/** The data of a workflow command. `::` in it begins no other command, because it does not begin a line. */
export const workflow = (text: string): string =>
  plain(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

/** A property of a workflow command. */
export const workflowProperty = (text: string): string =>
  workflow(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
