export const requirement: string
export function isFit(version: string): boolean
export function pinnedNode(script: string): string | undefined
export function handOver(node: string, args: string[]): void
