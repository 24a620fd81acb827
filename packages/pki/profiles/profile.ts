/**
 * The kinds of certificate of a mesh, which rules hold depends on it. `cross`: of one root by another; `ocsp-signer`: of a key
 * that signs OCSP responses for the CA above it.
 */
export type Profile = 'root' | 'cross' | 'issuing-ca' | 'leaf' | 'ocsp-signer'
