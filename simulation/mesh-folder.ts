import { decodePem, parseCertificate } from '@datapunk/pki'
import {
  compareDocumentNumbers,
  type DocumentNumber,
  type Layout,
  trustStatementNumbers,
} from '@datapunk/protocol'
import type { MeshFiles } from './beliefs.ts'
import type { SimulatedDisk } from './simulated-disk.ts'

/** The mesh folder on the simulated disk, read as `readMeshDocuments` reads it. */
export function meshFolder(disk: SimulatedDisk, layout: Layout['mesh'], caCert: string): MeshFiles {
  const read = (path: string): Buffer => {
    const bytes = disk.read(path)
    if (bytes === undefined) throw new Error(`BUNDLE_MISSING ${path}`)
    return bytes
  }
  return {
    version: disk.changes,
    anchors: () => decodePem(read(caCert), 'CERTIFICATE').map(parseCertificate),
    trustStatements: (after: DocumentNumber | undefined) =>
      trustStatementNumbers(disk.list(layout.trustDir))
        .filter((number) => after === undefined || compareDocumentNumbers(number, after) > 0)
        .map((number) => read(layout.trustStatement(number))),
    head: () => read(layout.head),
    section: (digest: string) => read(layout.section(digest)),
  }
}
