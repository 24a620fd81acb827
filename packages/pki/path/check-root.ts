import { type Certificate, isSelfIssued } from '../certificate.ts'
import { checkDates, checkFitness, refusal } from './check-certificate.ts'
import { isSignedBy } from './signed-by.ts'

/**
 * Whether `verifyPath` would take a certificate for a root, and it is signed by its own key, which there nobody asks for.
 *
 * @param at the moment for which to check, in milliseconds since the epoch
 * @throws PkiError `SIGNATURE_INVALID`, and what `verifyPath` refuses a root with
 */
export function checkRoot(root: Certificate, at: number): void {
  checkFitness(root, 'root')
  checkDates(root, at)
  if (!isSelfIssued(root) || !isSignedBy(root, root))
    throw refusal('SIGNATURE_INVALID', root, 'it is not signed by its own key')
}
