export { type MeshFacts, meshMetrics } from './mesh-metrics.ts'
export { meshSource, metricsOf } from './mesh-source.ts'
export { byLabel, type Metric, registryOf, type Sample } from './metric.ts'
export { type OperatorPlace, type OperatorPort, type OperatorSource, serveOperator } from './operator-port.ts'
