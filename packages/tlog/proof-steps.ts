/** On which side of a node the other half of its parent lies. */
export type Side = 'left' | 'right'

/**
 * The way from a leaf to the root. Imports nothing, so that a browser walks it too.
 *
 * @param index of the leaf, from 0
 * @param last the number of the last leaf. A node without another half is its parent
 * @see RFC 9162 2.1.3.2
 */
export function stepsUp(index: number, last: number): Side[] {
  const steps: Side[] = []
  for (let [node, edge] = [index, last]; edge > 0; node = half(node), edge = half(edge))
    if (node % 2 === 1) steps.push('left')
    else if (node < edge) steps.push('right')
  return steps
}

export function half(count: number): number {
  return Math.floor(count / 2)
}
