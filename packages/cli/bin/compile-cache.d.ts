export function keepCompiled(script: string): void
