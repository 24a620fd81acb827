import type {
  ConsoleMesh,
  ConsoleRoll,
  ConsoleService,
  ConsoleSlot,
  ConsoleView,
} from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import type { PageCommands } from '../page-commands.ts'
import { moment, none } from '../text/moment.ts'
import { prose } from '../text/prose.ts'
import { stateMark } from '../text/state-mark.ts'

/** The stages of a roll-over that is under way, in their order. */
const stages = ['distribute', 're-issue', 'drain'] as const

const stageTexts: Readonly<Record<ConsoleRoll['stage'], string>> = {
  prepare: 'the next one is made once another is dropped',
  distribute: 'made known to every peer',
  're-issue': 'certificates are issued anew',
  drain: 'connections move over',
  require: 'made known, then required',
}

/** Where each key of the authority stands in its life, and for whom the next step waits. */
export function rollOver(
  { mesh, services }: ConsoleView,
  now: number,
  commands: PageCommands,
): TemplateResult {
  return html`${mesh.asks.map((ask) => html`<p class="banner warning">${stateMark('warning')}<span>${prose(ask)}</span></p>`)}
    ${
      mesh.rolls.length === 0
        ? html`<p class="lead">No roll-over waits for anybody.</p>`
        : mesh.rolls.map((roll) => rollWait(roll, services, now, commands))
    }
    ${slotTable(mesh, now)}`
}

function rollWait(
  roll: ConsoleRoll,
  services: readonly ConsoleService[],
  now: number,
  commands: PageCommands,
): TemplateResult {
  const { slot, stage, late, until } = roll
  const { acknowledged, missing, all } = acknowledgements(roll, services)
  return html`<section class="roll" aria-label="Roll-over to ${slot}">
    <h3>${slot}: ${stageTexts[stage]}</h3>
    ${isUnderWay(stage) ? stageSteps(stage) : nothing}
    <p class="progress"><progress max=${Math.max(1, all)} value=${acknowledged.length} aria-label="Live instances that are ready"></progress>
      <span>${acknowledged.length} of ${all} live instances are ready${
        until === null ? nothing : html`; it goes on at the latest at ${moment(until, now)}`
      }</span></p>
    ${
      late.length === 0
        ? nothing
        : html`<table>
          <thead><tr><th scope="col">Waits for</th><th scope="col">Why</th></tr></thead>
          <tbody>${late.map(
            ({ instance, reason }) => html`<tr><th scope="row">${named(instance, services, commands)}</th>
              <td>${missing.has(instance) ? reason : `${reason}; not live`}</td></tr>`,
          )}</tbody>
        </table>`
    }
    ${
      acknowledged.length === 0
        ? nothing
        : html`<details><summary>Ready: ${acknowledged.length}</summary>
          <p class="names">${acknowledged.map((instance) => html`<span>${instance}</span> `)}</p></details>`
    }
  </section>`
}

/** Who of the live instances a step does not wait for any more, and who is missing. */
function acknowledgements({ late }: ConsoleRoll, services: readonly ConsoleService[]) {
  const waited = new Set(late.map(({ instance }) => instance))
  const all = services.flatMap(({ instances }) => instances.filter(({ live }) => live > 0))
  const acknowledged = all.flatMap(({ instance }) => (waited.has(instance) ? [] : [instance]))
  const missing = new Set(all.flatMap(({ instance }) => (waited.has(instance) ? [instance] : [])))
  return { acknowledged, missing, all: all.length }
}

type Stage = (typeof stages)[number]

function isUnderWay(stage: ConsoleRoll['stage']): stage is Stage {
  return (stages as readonly string[]).includes(stage)
}

function stageSteps(current: Stage): TemplateResult {
  const reached = stages.indexOf(current)
  return html`<ol class="stages">${stages.map((stage, at) => {
    const state = at < reached ? 'done' : at === reached ? 'current' : 'ahead'
    return html`<li class=${state} aria-current=${at === reached ? 'step' : nothing}>${stage}${
      state === 'done' ? html`<span class="visually-hidden"> (done)</span>` : nothing
    }</li>`
  })}</ol>`
}

function named(instance: string, services: readonly ConsoleService[], commands: PageCommands) {
  const owner = services.find(({ instances }) => instances.some((one) => one.instance === instance))
  return owner === undefined
    ? instance
    : html`<button type="button" class="link" @click=${() => commands.select(owner.service)}>${instance}</button>`
}

const lifeStates = ['prepared', 'active', 'retiring', 'retired', 'compromised'] as const

/** A row for each kind of key, a column for each stage of its life. */
function slotTable({ slots }: ConsoleMesh, now: number): TemplateResult {
  if (slots.length === 0)
    return html`<p class="empty">There are no keys yet: <code>mtls apply</code> makes them.</p>`
  const columns = lifeStates.filter(
    (state) => state !== 'compromised' || slots.some((slot) => slot.state === state),
  )
  return html`<h3>Keys</h3><table class="slots">
      <thead><tr><th scope="col">Key</th>${columns.map((state) => html`<th scope="col">${state}</th>`)}</tr></thead>
      <tbody>${[...Map.groupBy(slots, ({ kind }) => kind)].map(
        ([kind, own]) =>
          html`<tr><th scope="row">${kind}</th>${columns.map(
            (state) =>
              html`<td>${slotsIn(
                own.filter((slot) => slot.state === state),
                now,
              )}</td>`,
          )}</tr>`,
      )}</tbody>
    </table>`
}

function slotsIn(slots: readonly ConsoleSlot[], now: number) {
  if (slots.length === 0) return none
  return slots.map(
    ({ slot, state, notAfter }) =>
      html`<div class="slot ${state}"><strong>${slot}</strong>${
        notAfter === null ? nothing : html`<span class="sub">until ${moment(notAfter, now)}</span>`
      }</div>`,
  )
}
