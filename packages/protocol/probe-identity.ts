/** Whom `mtls probe` goes as: a member that is in no config file, that nobody lets in and nobody calls. */
export const PROBE = 'probe'

/** The DNS name of the probe's certificates; no service may bear it. */
export function probeName(trustDomain: string): string {
  return `${PROBE}.${trustDomain}`
}
