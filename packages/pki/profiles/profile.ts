/** The three kinds of certificate of a mesh: which rules hold depends on it. */
export type Profile = 'root' | 'issuing-ca' | 'leaf'
