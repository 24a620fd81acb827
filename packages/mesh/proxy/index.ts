export { type Place, parsePlace, placeText } from '../place.ts'
export { fileLimit, filesFor, roomForConnections, WANTED_CONNECTIONS } from './file-limit.ts'
export { type MeshProxy, openProxy, type ProxyEvents, type ProxyOptions } from './proxy.ts'
export {
  type MemberPlace,
  type Permissions,
  type Protocol,
  parseProgram,
  protocols,
  type Route,
  refuseExposed,
  routeText,
  type Scheme,
} from './route.ts'
