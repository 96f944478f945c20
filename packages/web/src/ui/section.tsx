import { type ReactNode, useId } from 'react'

/** A titled part of a page of settings or figures. */
export function Section({
  title,
  hint,
  children,
}: {
  readonly title: string
  readonly hint?: string
  readonly children: ReactNode
}): ReactNode {
  const id = useId()
  return (
    <section aria-labelledby={id} className="border-t border-line py-6 first-of-type:border-t-0">
      <h2 id={id} className="font-semibold">
        {title}
      </h2>
      {hint !== undefined && <p className="mt-1 text-sm text-soft">{hint}</p>}
      <div className="mt-3">{children}</div>
    </section>
  )
}

/** A page that is read from top to bottom. */
export function Page({
  title,
  children,
}: {
  readonly title: string
  readonly children: ReactNode
}): ReactNode {
  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto max-w-3xl px-4 py-6 sm:px-6">
        <h1 className="mb-2 text-xl font-semibold">{title}</h1>
        {children}
      </div>
    </div>
  )
}
