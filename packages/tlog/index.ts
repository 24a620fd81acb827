export { TlogError, type TlogErrorCode } from './tlog-error.ts'
export { EMPTY_ROOT, HASH_SIZE, hashLeaf, hashNode } from './tree-hash.ts'
