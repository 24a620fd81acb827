import type { JsonForm } from './json-form.ts'
import { forms as revokeForms } from './revoke.ts'
import { forms as rotateForms } from './rotate.ts'

const of = (what: string, forms: readonly JsonForm[]) =>
  forms.map(({ when, ...form }) => ({ ...form, when: when === undefined ? what : `${what}, ${when}` }))

export const forms: readonly JsonForm[] = [...of('of a service', revokeForms), ...of('of a key', rotateForms)]
