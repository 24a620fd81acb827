/** What a certificate is shown for: `clientAuth` by callers, `serverAuth` by servers. */
export type Usage = 'clientAuth' | 'serverAuth'
