import type { UserId } from '@holdfast/protocol'
import type { RealtimeLimits } from './limits.ts'

/** A socket's place on this node. */
export interface Place {
  /**
   * Who it is has become known. `crowded`: the user has as many as one may have. An older socket of the same
   * instance is told to go first: it is the one that the client has given up (a half-open line).
   */
  sign(userId: UserId, instance: string, supersede: () => void): 'signed' | 'crowded'
  /** Safe twice. */
  leave(): void
}

export interface Admissions {
  readonly connections: number
  /** Of which nobody knows yet whose they are. */
  readonly unsigned: number
  /**
   * @param known the handshake carried good credentials
   * `full`: the node has as many sockets as it may have; `pending`: this address has too many that are not known yet
   */
  enter(address: string, known: boolean): Place | 'full' | 'pending'
}

interface Member {
  readonly instance: string
  readonly supersede: () => void
}

/** Counts sockets: of the node, of each user, and of each address those that nobody has signed yet. */
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
    enter(address, known) {
      if (connections >= limits.connections) return 'full'
      if (!known && (pending.get(address) ?? 0) >= limits.pendingPerAddress) return 'pending'
      connections += 1
      unsigned += 1
      if (!known) count(address, 1)
      let settled = false
      const settle = (): void => {
        if (settled) return
        settled = true
        unsigned -= 1
        if (!known) count(address, -1)
      }
      let leaveUser = (): void => {}
      let here = true
      return {
        sign(userId, instance, supersede) {
          settle()
          const members = users.get(userId) ?? new Set<Member>()
          for (const member of [...members])
            if (member.instance === instance) {
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
