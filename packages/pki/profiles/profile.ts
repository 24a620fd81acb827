/**
 * The kinds of certificate of a mesh, which rules hold depends on it. `cross`: of one root by another; `ocsp-signer`: of a key
 * that signs OCSP responses for the CA above it; `operator`: of a person who looks after the mesh.
 */
export type Profile = 'root' | 'cross' | 'issuing-ca' | 'leaf' | 'operator' | 'ocsp-signer'
