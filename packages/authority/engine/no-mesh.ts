import { AuthorityError } from '../error.ts'
import type { Engine } from './engine.ts'

/** Before the first apply there is nothing else to do. @throws AuthorityError `NO_MESH` */
export function requireMesh({ store }: Pick<Engine, 'store'>): void {
  if (store.mesh() === undefined) throw noMesh()
}

export function noMesh(): AuthorityError {
  return new AuthorityError(
    'NO_MESH',
    'found no mesh yet; allowed: after `mtls apply` or `mtls up`, which make it',
  )
}
