/** As in /etc/passwd nearly everywhere. */
export const NOBODY = 65534

const isRoot = process.geteuid?.() === 0

/** Does it without the rights of root, which no permission holds back; whoever else runs the tests stays who they are. */
export async function asNobody<Result>(deed: () => Promise<Result>): Promise<Result> {
  if (isRoot) process.seteuid?.(NOBODY)
  try {
    return await deed()
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}
