import type { ReactNode } from 'react'

/** Strokes on a grid of 20: drawn here, because nothing is loaded from elsewhere and emoji look different everywhere. */
const paths = {
  plus: <path d="M10 4v12M4 10h12" />,
  search: <path d="M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM13.2 13.2 17 17" />,
  more: <path d="M4.5 10h.01M10 10h.01M15.5 10h.01" strokeWidth="2.4" />,
  close: <path d="m5 5 10 10M15 5 5 15" />,
  menu: <path d="M3 6h14M3 10h14M3 14h14" />,
  file: <path d="M11.5 2.5h-6a1 1 0 0 0-1 1v13a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-10zM11.5 2.5v4h4" />,
  clip: (
    <path d="m15.5 9-5.8 5.8a3.3 3.3 0 0 1-4.7-4.7l6.2-6.2a2.2 2.2 0 0 1 3.1 3.1L8.2 13a1.1 1.1 0 0 1-1.6-1.5L12 6.2" />
  ),
  send: <path d="M10 16V4M5 9l5-5 5 5" />,
  down: <path d="M10 4v12M5 11l5 5 5-5" />,
  stop: <rect x="5.5" y="5.5" width="9" height="9" rx="1.5" fill="currentColor" />,
  check: <path d="m4.5 10.5 3.5 3.5 7.5-8" />,
  circle: <circle cx="10" cy="10" r="6.2" />,
  spinner: <path d="M10 3.5a6.5 6.5 0 1 1-6.5 6.5" />,
  alert: <path d="M10 3 2.5 16.5h15zM10 8v4M10 14.2v.01" />,
  question: (
    <path d="M7.6 7.6a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2.9-1.2 1.8M10 14.2v.01M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4Z" />
  ),
  chevron: <path d="m7 4.5 5.5 5.5L7 15.5" />,
  download: <path d="M10 3v9M6 8.5l4 4 4-4M4 16.5h12" />,
  upload: <path d="M10 13V4M6 8l4-4 4 4M4 16.5h12" />,
  copy: (
    <path d="M7 7V4.5a1 1 0 0 1 1-1h7.5a1 1 0 0 1 1 1V12a1 1 0 0 1-1 1H13M4.5 7H12a1 1 0 0 1 1 1v7.5a1 1 0 0 1-1 1H4.5a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1Z" />
  ),
  retry: <path d="M15.8 8A6.2 6.2 0 1 0 16 12M16 4v4h-4" />,
  settings: <path d="M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4" />,
  gauge: <path d="M3.5 14.5a7 7 0 1 1 13 0M10 12l3-4" />,
  trash: <path d="M4 5.5h12M8 5.5v-2h4v2M5.5 5.5l.7 11h7.6l.7-11" />,
  pencil: <path d="m4 16 .8-3.3 8.4-8.4a1.4 1.4 0 0 1 2 0l.5.5a1.4 1.4 0 0 1 0 2L7.3 15.2z" />,
  table: <path d="M3 4.5h14v11H3zM3 8.5h14M8.5 8.5v7" />,
  handover: <path d="M4 7h10l-3-3M16 13H6l3 3" />,
  thought: <path d="M4 4.5h12v8.5h-6l-3.5 3v-3H4z" />,
  clock: <path d="M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4ZM10 6v4.2l2.8 1.6" />,
} as const satisfies Record<string, ReactNode>

export type IconName = keyof typeof paths

/** Decorates: whatever it means stands in words beside it, or in the label of its button. */
export function Icon({ name, className = 'size-4' }: { name: IconName; className?: string }): ReactNode {
  return (
    <svg
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className={`shrink-0 ${className} ${name === 'spinner' ? 'spinner' : ''}`}
    >
      {paths[name]}
    </svg>
  )
}
