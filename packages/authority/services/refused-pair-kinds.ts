/** Why peers are to refuse the probe. */
export const refusedPairKinds = ['revoked', 'expired', 'not-yet-valid'] as const

export type RefusedPairKind = (typeof refusedPairKinds)[number]
