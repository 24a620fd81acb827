export { type LimboCase, limboVerdict, type Outcome } from './limbo.ts'
