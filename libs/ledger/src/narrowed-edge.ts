import { edgeTiles } from '@app/tlog';

/** Stored edge tiles may have grown since `treeSize`; their first hashes are the edge of then. */
export function narrowedEdge(edge: readonly Uint8Array[], treeSize: bigint): Uint8Array[] {
  return edgeTiles(treeSize).map(({ width }, position) => edge[position]!.subarray(0, width * 32));
}
