// The ads of a day, slot by slot, against the plan of the staggered windows.

import { html, useState } from "../html.js";
import { Columns } from "../charts.js";
import { Field, Problem, Table, Tile, admin, number, useLoaded, withQuery } from "../parts.js";

const clock = (seconds) => (seconds >= 86_400 ? "24:00"
  : new Date(seconds * 1000).toISOString().slice(11, 16));
const today = () => new Date().toISOString().slice(0, 10);

export function Load() {
  const [day, setDay] = useState(today());
  const { value, error } = useLoaded(() => admin(withQuery("/load", { day })), [day], 30);
  return html`<h1>Ad load</h1>
    <p class="lead">Ads served in each window of the day. The groups take turns, so that the plan is
      as even as they are equal.</p>
    <form class="bar" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="UTC day" type="date" value=${day} max=${today()} required
        onInput=${(event) => event.target.value && setDay(event.target.value)} /></form>
    <${Problem} error=${error} />
    ${value ? html`<${Day} of=${value} />` : !error && html`<p class="quiet">Loading…</p>`}`;
}

function Day({ of }) {
  const total = of.served.reduce((all, one) => all + one, 0);
  const most = Math.max(0, ...of.served);
  const name = (place) => clock(place * of.slot_seconds);
  return html`<div class="tiles">
      <${Tile} title="Ads served" value=${number(total)} note=${of.day} />
      <${Tile} title="Busiest slot" value=${number(most)}
        note=${total ? `from ${name(of.served.indexOf(most))}` : "none yet"} />
      <${Tile} title="Mean of a slot" value=${number(of.mean, 1)}
        note=${`${number(of.slot_seconds / 60, 1)} minutes each`} />
      <${Tile} title="Peak over mean" value=${number(of.peak_over_mean, 2)}
        note=${of.peak_over_mean === null ? "once every group has had its turn"
          : "1.00 is perfectly even"} /></div>
    <h2>Through the day</h2>
    <p class="legend"><span class="bars">served</span><span class="line">plan, by the sizes of the groups</span></p>
    <${Columns} kind="tall" values=${of.served} plan=${of.planned} name=${name} digits=${1}
      ticks=${[0, 4, 8, 12, 16, 20, 24].map((hour) => clock(hour * 3600))}
      label=${`${number(total)} ads on ${of.day} in slots of ${of.slot_seconds} seconds, at most ${
        number(most)} in one, ${number(of.mean, 1)} on average`} />
    <details><summary>As a table</summary><${Table} label="Ads by slot" rows=${of.served.map(
      (served, place) => ({ key: place, place, served }))} columns=${[
      ["From", (row) => name(row.place)], ["Served", (row) => number(row.served), true],
      ["Plan", (row) => number(of.planned[row.place], 1), true]]} /></details>`;
}
