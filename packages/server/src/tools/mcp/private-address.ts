import { BlockList, isIP } from 'node:net'

/**
 * Addresses that no stranger's name may lead this server to: its own machine, its own network, and what clouds answer
 * metadata on (169.254.169.254, fd00:ec2::254). IANA's special-purpose registries, and what translates into them.
 */
const ranges: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]

const blocked = new BlockList()
for (const [network, bits] of ranges) blocked.addSubnet(network, bits, isIP(network) === 6 ? 'ipv6' : 'ipv4')

/** Of an address, not of a name. An IPv4 address within an IPv6 one is judged as what it is. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address)
  // What cannot be told is not let through.
  if (family === 0) return true
  return blocked.check(address, family === 6 ? 'ipv6' : 'ipv4')
}
