import type { Engine } from '../engine/engine.ts'

/** After a restore: that what peers believe is still of the generation before. Undefined where it is published. */
export function generationFault({ store }: Pick<Engine, 'store'>): string | undefined {
  const [mesh, bundle] = [store.mesh(), store.bundle()]
  if (mesh === undefined || bundle === undefined || bundle.generation >= mesh.generation) return undefined
  return `generation ${mesh.generation} is not published yet: \`mtls apply\` publishes it`
}
