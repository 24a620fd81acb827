export type { Candidate, Entry } from './candidate.ts'
export { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
export { CompactTree } from './compact-tree.ts'
export { compareTrees, follows } from './follows.ts'
export { EMPTY_EDGE, growTree, type TreeEdge, type TreeGrowth } from './grow-tree.ts'
export type { CheckpointLock, LogStore } from './log-store.ts'
export { readProvenTile } from './proven-tile.ts'
export { readEdge } from './read-edge.ts'
export { CHECKPOINT_PATH, type PublishedCheckpoint, Sequencer, type SequencerOptions } from './sequencer.ts'
export { type ShownObject, shownHeaders, shownObject } from './shown-object.ts'
export {
  type LogKey,
  type LogSigner,
  logId,
  openCheckpoint,
  type SignedCheckpoint,
  signCheckpoint,
} from './signed-checkpoint.ts'
export {
  type NoteKey,
  type NoteSignature,
  type NoteVerifier,
  type OpenedNote,
  openNote,
  signNote,
} from './signed-note.ts'
export { edgeTiles, TILE_WIDTH, type Tile, type TileId, tileAt, tilesFor } from './tile.ts'
export { dataTilePath, parseTilePath, type TilePath, tilePath } from './tile-path.ts'
export type { ReadTile } from './tile-reader.ts'
export { consistencyProof, inclusionProof, treeRoot } from './tile-tree.ts'
export { TlogError, type TlogErrorCode } from './tlog-error.ts'
export { EMPTY_ROOT, HASH_SIZE, hashLeaf, hashNode } from './tree-hash.ts'
export {
  type ConsistencyClaim,
  type InclusionClaim,
  type TreeRoot,
  verifyConsistency,
  verifyInclusion,
} from './verify-proof.ts'
