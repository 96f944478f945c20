/** Pages that the server words itself. Whatever is put into one is text, never markup. */
const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => escapes[character] ?? '')

export interface PlainPage {
  readonly title: string
  readonly text: string
  /** One way on. */
  readonly link: { readonly text: string; readonly href: string }
}

/** A whole page that needs no script. */
export function plainPage({ title, text, link }: PlainPage): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="referrer" content="no-referrer" />
    <title>${escaped(title)} – Holdfast</title>
    <link rel="icon" type="image/svg+xml" href="/page/icon.svg" />
    <link rel="stylesheet" href="/page/plain.css" />
  </head>
  <body>
    <main class="alone">
      <h1>${escaped(title)}</h1>
      <p>${escaped(text)}</p>
      <p><a class="button" href="${escaped(link.href)}">${escaped(link.text)}</a></p>
    </main>
  </body>
</html>
`
}
