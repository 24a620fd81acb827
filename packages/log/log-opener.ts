import { authorityName, type Config, layoutOf } from '@datapunk/protocol'
import { TransparencyLog } from './transparency-log.ts'

/**
 * Opens the log that a config speaks of, in this process.
 *
 * @param clock milliseconds since the epoch
 * @returns what an authority asks for its log
 */
export function logOpener({ authority, paths, trustDomain }: Config, clock: () => number) {
  const url = `${authority.publicUrl ?? `http://${authorityName(trustDomain)}`}/log`
  const { clockSkew } = authority
  const fixed = { layout: layoutOf({ authority }), caCert: paths.caCert, url, clock, clockSkew }
  return (of: { readonly meshId: string; readonly generation: number; readonly fresh: boolean }) =>
    TransparencyLog.open({ ...fixed, ...of })
}
