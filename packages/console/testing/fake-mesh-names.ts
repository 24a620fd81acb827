const first = ['lake', 'stream', 'nexus']
const more = [
  ...['auth', 'billing', 'catalog', 'search', 'orders', 'ledger', 'mailer', 'images', 'quotes', 'stock'],
  ...[
    'routes',
    'alerts',
    'sensors',
    'scoring',
    'reports',
    'archive',
    'labels',
    'coupons',
    'refunds',
    'carts',
  ],
  ...[
    'ranking',
    'profiles',
    'sessions',
    'audience',
    'geocoder',
    'payments',
    'shipping',
    'returns',
    'reviews',
  ],
  ...['metrics', 'notifier', 'exports', 'imports', 'gateway', 'planner', 'tariffs', 'vault-sync'],
]

/** The name of a service by its number, from 0. */
export function nameOf(number: number): string {
  const named = [...first, ...more]
  const round = Math.floor(number / named.length)
  const name = named[number % named.length]!
  return round === 0 ? name : `${name}-${round + 1}`
}

/** The numbers of those that a service calls, and how many connections it has to each. */
export function callsOf(number: number): ReadonlyMap<number, number> {
  if (number === 0) return new Map()
  const half = Math.floor(number / 2)
  const called = [half, Math.floor(number / 3), (number * 7) % Math.max(1, half)].slice(0, 1 + (number % 3))
  return new Map(called.map((other, at) => [other, 1 + ((number * 13 + other * 5 + at) % 60)]))
}
