/** The kinds of certificate of a mesh, which rules hold depends on it. `cross`: of one root by another. */
export type Profile = 'root' | 'cross' | 'issuing-ca' | 'leaf'
