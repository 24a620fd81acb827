import { once } from 'node:events'
import { type ConnectionOptions, connect } from 'node:tls'

/** What a server shows to whoever asks for a staple, in a full handshake: the OCSP answer, or null, and its certificate's serial. */
export async function shownStaple(
  options: ConnectionOptions,
): Promise<{ readonly staple: Buffer | null; readonly serial: string | undefined }> {
  let staple: Buffer | null = null
  const socket = connect({ requestOCSP: true, rejectUnauthorized: false, ...options })
  socket.on('OCSPResponse', (response: Buffer | null) => {
    staple = response
  })
  await once(socket, 'secureConnect')
  const serial = socket.getPeerCertificate().serialNumber?.toLowerCase()
  socket.on('error', () => {}).destroy()
  return { staple, serial }
}
