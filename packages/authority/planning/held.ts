import type { CertificateRow, InstanceRow } from '../store/rows.ts'

/** Whether an instance keeps the certificate that it has (`mtls rotate --back`). */
export function isHeld(
  { held }: Pick<InstanceRow, 'held'>,
  current: Pick<CertificateRow, 'serial'> | undefined,
): boolean {
  return current !== undefined && held === current.serial
}
