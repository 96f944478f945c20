import type { UserId } from '@holdfast/protocol'
import type { RealtimeLimits } from './limits.ts'

/** The place of a socket, or of an event stream, on this node. */
export interface Place {
  /**
   * Its handshake showed nobody: it counts for its address until it is signed or leaves. `crowded`: the address has as
   * many of those as one may have.
   */
  pend(address: string): 'pending' | 'crowded'
  /**
   * Who it is has become known. `crowded`: the user has as many as one may have. An older socket of the same
   * instance is told to go first: it is the one that the client has given up (a half-open line).
   * @param instance null: it is nobody's successor, and nobody is its own
   */
  sign(userId: UserId, instance: string | null, supersede: () => void): 'signed' | 'crowded'
  /** Safe twice. */
  leave(): void
}

export interface Admissions {
  readonly connections: number
  /** Of which nobody knows yet whose they are. */
  readonly unsigned: number
  /** Before its credentials are looked at. null: the node has as many as it may have. */
  enter(): Place | null
}

interface Member {
  readonly instance: string | null
  readonly supersede: () => void
}

/** Counts sockets and event streams: of the node, of each user, and of each address those that nobody has signed yet. */
export function createAdmissions(
  limits: Pick<RealtimeLimits, 'connections' | 'connectionsPerUser' | 'pendingPerAddress'>,
): Admissions {
  let connections = 0
  let unsigned = 0
  const pending = new Map<string, number>()
  const users = new Map<UserId, Set<Member>>()

  const count = (address: string, by: 1 | -1): void => {
    const left = (pending.get(address) ?? 0) + by
    if (left === 0) pending.delete(address)
    else pending.set(address, left)
  }
  const remove = (userId: UserId, member: Member): void => {
    const members = users.get(userId)
    members?.delete(member)
    if (members?.size === 0) users.delete(userId)
  }

  return {
    get connections() {
      return connections
    },
    get unsigned() {
      return unsigned
    },
    enter() {
      if (connections >= limits.connections) return null
      connections += 1
      unsigned += 1
      let pendingOf: string | null = null
      let settled = false
      const settle = (): void => {
        if (settled) return
        settled = true
        unsigned -= 1
        if (pendingOf !== null) count(pendingOf, -1)
      }
      let leaveUser = (): void => {}
      let here = true
      return {
        pend(address) {
          // Gone while it was judged.
          if (settled) return 'pending'
          if ((pending.get(address) ?? 0) >= limits.pendingPerAddress) return 'crowded'
          pendingOf = address
          count(address, 1)
          return 'pending'
        },
        sign(userId, instance, supersede) {
          settle()
          const members = users.get(userId) ?? new Set<Member>()
          for (const member of [...members])
            if (instance !== null && member.instance === instance) {
              remove(userId, member)
              member.supersede()
            }
          if (members.size >= limits.connectionsPerUser) return 'crowded'
          const member = { instance, supersede }
          users.set(userId, members.add(member))
          leaveUser = () => remove(userId, member)
          return 'signed'
        },
        leave() {
          if (!here) return
          here = false
          connections -= 1
          settle()
          leaveUser()
        },
      }
    },
  }
}
