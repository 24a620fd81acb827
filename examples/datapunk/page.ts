import { createHash } from 'node:crypto'

const style = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 60rem; margin: 3rem auto; padding: 0 1rem }
  h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1rem; margin: 2.5rem 0 .5rem }
  p { margin: .25rem 0; opacity: .75 }
  .wide { overflow-x: auto }
  table { border-collapse: collapse; width: 100% }
  th { text-align: left; font-weight: 500; opacity: .65 }
  th, td { padding: .35rem 1.5rem .35rem 0; border-bottom: 1px solid #8884; white-space: nowrap }
  td.number, code { font-variant-numeric: tabular-nums } td.number, th.number { text-align: right }
`

// Everything is put in as text, never as markup.
const script = `
  const [calls, records, state] = ['calls', 'records', 'state'].map((id) => document.getElementById(id))
  const row = (texts, numbers) => {
    const tr = document.createElement('tr')
    for (const text of [...texts, ...numbers]) tr.insertCell().textContent = text
    for (const cell of [...tr.cells].slice(texts.length)) cell.className = 'number'
    return tr
  }
  const time = (at) => new Date(at).toISOString().slice(11, 19) + 'Z'
  const tenths = (number) => number.toFixed(1)
  const get = async (path) => {
    const reply = await fetch(path)
    if (!reply.ok) throw new Error((await reply.json()).detail)
    return reply.json()
  }
  const show = async () => {
    try {
      const [seen, stored] = await Promise.all([get('/overview'), get('/records?limit=10')])
      calls.replaceChildren(...seen.calls.map(({ caller, callee, certificate, until, last, connections }) => row(
        [caller + ' → ' + callee, certificate.slice(0, 8), until, time(last)], [connections],
      )))
      records.replaceChildren(...stored.records.map(({ source, start, count, min, max, sum }) => row(
        [source, time(start)], [count, ...[min, sum / count, max].map(tenths)],
      )))
      state.textContent = 'As of ' + seen.at
    } catch (error) {
      state.textContent = error.message
    }
    setTimeout(show, 2000)
  }
  show()
`

/** The page that nexus shows to people. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Datapunk</title>
<link rel="icon" href="data:,">
<style>${style}</style>
<h1>Datapunk</h1>
<p>lake, stream and nexus call each other over mutual TLS. This page is the only thing that is plain.</p>
<p id="state" role="status">&nbsp;</p>
<h2>Who calls whom</h2>
<div class="wide"><table>
<thead><tr><th>Call<th>Caller’s certificate<th>Until<th>Last one<th class="number">Connections</thead>
<tbody id="calls"></tbody>
</table></div>
<h2>What lake has stored</h2>
<div class="wide"><table>
<thead><tr><th>Source<th>From<th class="number">Events<th class="number">Least<th class="number">Mean<th class="number">Most</thead>
<tbody id="records"></tbody>
</table></div>
<script>${script}</script>
</html>
`

export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    "connect-src 'self'",
    'img-src data:',
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
