import { CreatedToken, type TokenInfo, TokenList } from '@holdfast/protocol'
import { type ReactNode, useCallback, useEffect, useState } from 'react'
import { request, requestJson } from '../live/api.ts'
import { act, notify, report } from '../live/notices.ts'
import { preferences } from '../live/preferences.ts'
import { formatAgo, formatTime } from '../model/format.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { useStore } from '../ui/use-store.ts'

/** Personal tokens: made, shown once, listed, revoked. */
export function Tokens(): ReactNode {
  const [items, setItems] = useState<readonly TokenInfo[] | null>(null)
  const [made, setMade] = useState<CreatedToken | null>(null)
  const [name, setName] = useState('')
  const [writes, setWrites] = useState(true)
  const read = useCallback(async () => setItems(TokenList.parse(await requestJson('/v1/tokens')).items), [])
  useEffect(() => void read().catch(report), [read])
  const make = async (): Promise<void> => {
    const json = { name: name.trim(), scopes: writes ? ['read', 'write'] : ['read'] }
    setMade(CreatedToken.parse(await requestJson('/v1/tokens', { method: 'POST', json })))
    setName('')
    await read()
  }
  const revoke = async ({ id, name: revoked }: TokenInfo): Promise<void> => {
    await request(`/v1/tokens/${id}`, { method: 'DELETE' })
    if (made?.id === id) setMade(null)
    notify(`“${revoked}” is revoked. Whatever used it is signed out.`)
    await read()
  }
  return (
    <div className="space-y-4 text-sm">
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault()
          act(make)
        }}
      >
        <label className="flex min-w-48 flex-1 flex-col gap-1">
          What it is for
          <input
            value={name}
            required
            maxLength={100}
            placeholder="laptop"
            onChange={({ target }) => setName(target.value)}
            className="min-h-9 rounded-lg border border-edge bg-surface px-3 placeholder:text-soft"
          />
        </label>
        <label className="flex min-h-9 items-center gap-2">
          <input
            type="checkbox"
            checked={writes}
            onChange={({ target }) => setWrites(target.checked)}
            className="size-4 accent-(--accent)"
          />
          May ask, not only read
        </label>
        <Button type="submit" icon="plus" disabled={name.trim() === ''}>
          Make a token
        </Button>
      </form>
      {made !== null && <MadeToken made={made} />}
      {items?.length === 0 && <p className="text-soft">There are no tokens.</p>}
      {items !== null && items.length > 0 && (
        <ul className="divide-y divide-line border-y border-line">
          {items.map((token) => (
            <TokenRow key={token.id} token={token} onRevoke={() => act(() => revoke(token))} />
          ))}
        </ul>
      )}
    </div>
  )
}

function MadeToken({ made }: { readonly made: CreatedToken }): ReactNode {
  return (
    <div role="status" className="rounded-lg border border-accent bg-accent-soft p-3">
      <p className="font-medium">Copy it now; it is not shown again.</p>
      <div className="mt-2 flex flex-wrap items-center gap-2">
        <code className="min-w-0 flex-1 font-mono text-xs [overflow-wrap:anywhere]">{made.token}</code>
        <Button
          icon="copy"
          onClick={() =>
            act(async () => {
              await navigator.clipboard.writeText(made.token)
              notify('The token is copied.')
            })
          }
        >
          Copy
        </Button>
      </div>
    </div>
  )
}

function TokenRow({
  token,
  onRevoke,
}: {
  readonly token: TokenInfo
  readonly onRevoke: () => void
}): ReactNode {
  const timeZone = useStore(preferences, (all) => all.timeZone)
  const { name, scopes, expiresAt, usedAt } = token
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 py-2">
      <span className="min-w-0 flex-1">
        <span className="block font-medium [overflow-wrap:anywhere]">{name}</span>
        <span className="block text-soft">
          {scopes.includes('write') ? 'Asks and reads' : 'Reads'} · good until{' '}
          {formatTime(expiresAt, timeZone)} ·{' '}
          {usedAt === null ? 'never used' : `used ${formatAgo(usedAt, Date.now(), timeZone)}`}
        </span>
      </span>
      <Button look="danger" aria-label={`Revoke ${name}`} onClick={onRevoke}>
        <Icon name="trash" />
        Revoke
      </Button>
    </li>
  )
}
