import type { ComponentProps, ReactNode } from 'react'
import { Icon, type IconName } from './icon.tsx'

const looks = {
  primary: 'bg-accent text-on-accent hover:brightness-110 border-transparent font-medium',
  plain: 'bg-surface text-text border-line hover:border-edge',
  quiet: 'bg-transparent text-soft border-transparent hover:bg-sunken hover:text-text',
  danger: 'bg-transparent text-bad border-line hover:border-bad',
} as const

interface ButtonProps extends ComponentProps<'button'> {
  readonly look?: keyof typeof looks
  readonly icon?: IconName
}

const shape =
  'inline-flex min-h-9 items-center justify-center gap-2 rounded-lg border px-3 py-1.5 text-sm transition-colors disabled:opacity-50'

export function Button({ look = 'plain', icon, children, className = '', ...rest }: ButtonProps): ReactNode {
  return (
    <button type="button" className={`${shape} ${looks[look]} ${className}`} {...rest}>
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  )
}

/** A file that the server makes, as a button: a link, so that it can be saved under another name or sent on. */
export function DownloadLink({
  look = 'plain',
  icon,
  children,
  className = '',
  ...rest
}: ComponentProps<'a'> & Pick<ButtonProps, 'look' | 'icon'> & { readonly href: string }): ReactNode {
  return (
    <a download className={`${shape} ${looks[look]} ${className}`} {...rest}>
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </a>
  )
}

/** A picture alone needs a name for those who do not see it. */
export function IconButton({
  icon,
  label,
  className = '',
  ...rest
}: ComponentProps<'button'> & { readonly icon: IconName; readonly label: string }): ReactNode {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`inline-flex size-9 shrink-0 items-center justify-center rounded-lg text-soft transition-colors hover:bg-sunken hover:text-text disabled:opacity-50 ${className}`}
      {...rest}
    >
      <Icon name={icon} className="size-[18px]" />
    </button>
  )
}
