import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** A Dead Simple Signing Envelope over in-toto statements, with ed25519. */
export interface Envelope {
  readonly payload: string
  readonly payloadType: string
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[]
}

export const payloadType = 'application/vnd.in-toto+json'

/** What is signed: type and body with their lengths, so that no two pairs of them look alike. */
export function preAuthEncoding(type: string, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body])
}

/** Of a public key; a hint to find the key by, and no proof of anything. */
export function keyId(key: KeyObject): string {
  const spki = key.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('hex')
}

export function seal(statement: object, privateKey: KeyObject): string {
  const body = Buffer.from(JSON.stringify(statement))
  const envelope: Envelope = {
    payload: body.toString('base64'),
    payloadType,
    signatures: [
      {
        keyid: keyId(createPublicKey(privateKey)),
        sig: sign(null, preAuthEncoding(payloadType, body), privateKey).toString('base64'),
      },
    ],
  }
  return textOf(envelope)
}

const textOf = (envelope: Envelope): string => `${JSON.stringify(envelope, null, 2)}\n`

export class SealError extends Error {
  override readonly name = 'SealError'
}

/**
 * The statement, if this key signed exactly these bytes. Also what is not signed, such as the spelling of the base64,
 * has to be as `seal` writes it: a file of a proof that was touched is not the file of the proof.
 * @throws {SealError}
 */
export function open(text: string, publicKey: KeyObject): Readonly<Record<string, unknown>> {
  let envelope: Envelope
  let body: Buffer
  try {
    envelope = JSON.parse(text) as Envelope
    body = Buffer.from(envelope.payload, 'base64')
    const signature = envelope.signatures[0]
    if (signature === undefined || envelope.signatures.length !== 1 || envelope.payloadType !== payloadType)
      throw new SealError('not one signature over an in-toto statement')
    const exact = {
      payload: body.toString('base64'),
      payloadType,
      signatures: [{ keyid: keyId(publicKey), sig: Buffer.from(signature.sig, 'base64').toString('base64') }],
    }
    if (textOf(exact) !== text) throw new SealError('made with another key, or written differently')
    if (!verify(null, preAuthEncoding(payloadType, body), publicKey, Buffer.from(signature.sig, 'base64')))
      throw new SealError('the signature does not fit')
    return JSON.parse(body.toString('utf8')) as Record<string, unknown>
  } catch (error) {
    if (error instanceof SealError) throw error
    throw new SealError('this is no envelope', { cause: error })
  }
}
