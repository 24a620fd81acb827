/**
 * @param text `HOST:PORT`
 * @throws Error
 */
export function parsePlace(text: string): { host: string; port: number } {
  const [, host = '', port = ''] =
    /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text)?.filter(Boolean) ?? []
  if (host !== '' && Number(port) <= 65535) return { host, port: Number(port) }
  throw new Error(`found DATAPUNK_HTTP=${text}; allowed: HOST:PORT, as in 127.0.0.1:8080`)
}
