import { isSelfIssued, type TbsCertificate } from '../certificate.ts'
import type { GeneralName } from '../extensions/general-name.ts'
import { ipText } from '../ip-address.ts'
import { oids } from '../oids.ts'
import type { PathBudget } from '../path-budget.ts'
import { PkiError, type PkiErrorCode } from '../pki-error.ts'
import { isWithinSubtree, subtreeFault, wildcardReachesInto } from './name-subtree.ts'

/**
 * Holds the names of all certificates below a CA against its name constraints (RFC 5280 §4.2.1.10, §6.1.3 b
 * and c). A self-issued certificate is exempt, unless it is the leaf.
 *
 * @param below leaf first
 * @throws PkiError `NAME_CONSTRAINT_VIOLATED`; `NAME_CONSTRAINT_UNPROCESSABLE` when a name is of a form that
 *   is constrained but that is not understood here; `PATH_BUDGET_EXCEEDED`
 */
export function checkNameConstraints(
  authority: TbsCertificate,
  below: readonly TbsCertificate[],
  budget: PathBudget,
): void {
  const constraints = authority.extensions.nameConstraints
  if (constraints === undefined) return
  for (const subtrees of [constraints.permitted, constraints.excluded]) {
    for (const base of subtrees) {
      const fault = subtreeFault(base)
      if (fault === undefined) continue
      throw failure('NAME_CONSTRAINT_UNPROCESSABLE', authority, authority, undefined, fault)
    }
  }
  for (const [index, certificate] of below.entries()) {
    if (index > 0 && isSelfIssued(certificate)) continue
    for (const name of constrainedNames(certificate)) {
      checkExcluded(name, constraints.excluded, certificate, authority, budget)
      checkPermitted(name, constraints.permitted, certificate, authority, budget)
    }
  }
}

/**
 * Alternative names, a non-empty subject, and e-mail addresses in the subject where the alternative names
 * have none.
 */
function constrainedNames({ subject, extensions }: TbsCertificate): GeneralName[] {
  const { names = [], emailAddresses = [] } = extensions.subjectAltName ?? {}
  const all = [...names]
  if (!subject.isEmpty) all.push({ form: 'directory', value: subject })
  if (emailAddresses.length === 0) {
    for (const value of subject.valuesOf(oids.emailAddress)) all.push({ form: 'email', value })
  }
  return all
}

function checkExcluded(
  name: GeneralName,
  excluded: readonly GeneralName[],
  certificate: TbsCertificate,
  authority: TbsCertificate,
  budget: PathBudget,
): void {
  for (const base of excluded) {
    if (base.form !== name.form) continue
    budget.spend('comparisons')
    const within = isWithinSubtree(name, base)
    if (within === undefined) throw failure('NAME_CONSTRAINT_UNPROCESSABLE', certificate, authority, name)
    if (within || wildcardReachesInto(name, base)) {
      throw failure('NAME_CONSTRAINT_VIOLATED', certificate, authority, name, 'it is excluded')
    }
  }
}

function checkPermitted(
  name: GeneralName,
  permitted: readonly GeneralName[],
  certificate: TbsCertificate,
  authority: TbsCertificate,
  budget: PathBudget,
): void {
  let constrained = false
  for (const base of permitted) {
    if (base.form !== name.form) continue
    constrained = true
    budget.spend('comparisons')
    const within = isWithinSubtree(name, base)
    if (within === undefined) throw failure('NAME_CONSTRAINT_UNPROCESSABLE', certificate, authority, name)
    if (within) return
  }
  if (constrained) {
    throw failure('NAME_CONSTRAINT_VIOLATED', certificate, authority, name, 'it is not among the permitted')
  }
}

function failure(
  code: PkiErrorCode,
  certificate: TbsCertificate,
  authority: TbsCertificate,
  name: GeneralName | undefined,
  reason = 'names of this form are not understood here, so the constraint cannot be kept',
): PkiError {
  const found = name === undefined ? undefined : `${name.form} ${nameText(name)}`
  return new PkiError(
    code,
    `the CA ${authority.subject} constrains names${found === undefined ? '' : `, and ${found} breaks it`}: ${reason}`,
    {
      name: found,
      reason,
      subject: certificate.subject.toString(),
      authority: authority.subject.toString(),
    },
  )
}

function nameText(name: GeneralName): string {
  if (name.form === 'ip') return ipText(name.value) ?? 'of no family'
  return name.value === undefined ? '' : String(name.value)
}
