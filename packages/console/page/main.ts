import { html, render } from 'lit-html'

const root = document.querySelector('main')
if (root !== null) render(html`<p>the mesh</p>`, root)
