export { forms } from './up.ts'
