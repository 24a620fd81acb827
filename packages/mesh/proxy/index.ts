export { fileLimit, filesFor, roomForConnections, WANTED_CONNECTIONS } from './file-limit.ts'
export { type Place, parsePlace, placeText } from './place.ts'
export { type MeshProxy, openProxy, type ProxyEvents, type ProxyOptions, routeText } from './proxy.ts'
export { type MemberPlace, type Permissions, parseProgram, type Route, refuseExposed } from './route.ts'
