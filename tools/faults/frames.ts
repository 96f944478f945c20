/** WebSocket frames as bytes, right and wrong ones, for a server that must tell them apart (RFC 6455 §5.2). */

export interface FrameShape {
  readonly fin: boolean
  /** RSV1–3 as three bits. */
  readonly rsv: number
  readonly opcode: number
  readonly masked: boolean
  readonly payload: Buffer
  /** Said in the header in the place of the payload's own length. */
  readonly claimedBytes?: number
}

const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d])

export function encodeFrame({ fin, rsv, opcode, masked, payload, claimedBytes }: FrameShape): Buffer {
  const bytes = claimedBytes ?? payload.length
  const first = (fin ? 0x80 : 0) | ((rsv & 7) << 4) | (opcode & 15)
  const maskBit = masked ? 0x80 : 0
  const head =
    bytes < 126
      ? Buffer.from([first, maskBit | bytes])
      : bytes < 65_536
        ? Buffer.from([first, maskBit | 126, bytes >> 8, bytes & 0xff])
        : longHead(first, maskBit, bytes)
  if (!masked) return Buffer.concat([head, payload])
  const hidden = Buffer.from(payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0)))
  return Buffer.concat([head, mask, hidden])
}

function longHead(first: number, maskBit: number, bytes: number): Buffer {
  const head = Buffer.alloc(10)
  head[0] = first
  head[1] = maskBit | 127
  head.writeBigUInt64BE(BigInt(bytes), 2)
  return head
}

export const textFrame = (text: string): Buffer =>
  encodeFrame({ fin: true, rsv: 0, opcode: 1, masked: true, payload: Buffer.from(text) })
