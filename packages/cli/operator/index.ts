export { AuthoritySource } from './authority-source.ts'
export { OperatorDoor } from './operator-door.ts'
