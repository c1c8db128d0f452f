// What the product brought in and gave out: figures of days, as computed when each day was over.

import { html, useState } from "../html.js";
import { Columns } from "../charts.js";
import { Field, Problem, Table, Tile, admin, download, instant, money, number, percent, useLoaded, withQuery,
  words } from "../parts.js";

const DAY_MS = 86_400_000;
const dayBefore = (days) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
const RANGES = [[7, "Week"], [30, "Month"], [90, "Quarter"], [365, "Year"]];
const MICRO = 1e6;

const at = (day, name, label) => day.figures[name]?.[label] ?? 0;
const total = (day, name) => Object.values(day.figures[name] ?? {}).reduce((a, b) => a + b, 0);
const sumOf = (days, of) => days.reduce((all, day) => all + of(day), 0);

// Title, value of a day, decimals.
const MONEY = [
  ["Coins issued, TWTC", (day) => Number(day.coins), 0],
  ["Revenue, USD", (day) => Number(day.usd), 2],
];
const ENGAGEMENT = [
  ["Active users", (day) => at(day, "users", "active"), 0],
  ["New users", (day) => at(day, "users", "registered"), 0],
  ["Sessions mined", (day) => at(day, "sessions", "mined"), 0],
  ["Ads completed", (day) => total(day, "ads_completed"), 0],
  ["Boosts paid", (day) => at(day, "boosts", "paid"), 0],
  ["Tasks claimed", (day) => total(day, "tasks_claimed"), 0],
];
// Name, title, how it is written, what is aimed at (blueprint, "Success measures").
const MEASURES = [
  ["dau_mau", "Daily of monthly users", percent, "over 40 %", (x) => x > 0.4],
  ["sessions_per_user", "Sessions a user", (x) => number(x, 2), "4 to 6", (x) => x >= 4],
  ["ads_per_user", "Ads a user", (x) => number(x, 2), "6 to 8", (x) => x >= 6],
  ["ad_completion", "Ads watched to the end", percent, "over 95 %", (x) => x > 0.95],
  ["boost_completion", "Boosts completed", percent, "over 60 %", (x) => x > 0.6],
  ["task_completion", "Tasks completed", percent, "over 70 %", (x) => x > 0.7],
  ["usd_per_user", "Revenue a user, USD", (x) => number(x, 4), "0.02", (x) => x >= 0.02],
  ["retention_1", "Back after a day", percent, "", () => true],
  ["retention_7", "Back after a week", percent, "", () => true],
  ["retention_30", "Back after a month", percent, "", () => true],
];

/** The day that is not over: what a first day has to show, and every other one too. */
function Today() {
  const { value, error } = useLoaded(() => admin("/facts/today"), [], 60);
  if (error) return html`<${Problem} error=${error} />`;
  if (!value) return html`<p class="quiet">Loading…</p>`;
  const day = value.so_far;
  return html`<h2>Today so far</h2>
    <p class="quiet">${day.day}, from midnight to ${instant(value.as_of)}.</p>
    <div class="tiles">${[...ENGAGEMENT, ...MONEY].map(([title, of, digits]) => html`
      <${Tile} key=${title} title=${title} value=${number(of(day), digits)} />`)}
      <${Tile} title="Members" value=${number(at(day, "users", "total"))} /></div>`;
}

export function Facts() {
  const [range, setRange] = useState({ since: dayBefore(29), until: dayBefore(0) });
  const [failure, setFailure] = useState(null);
  const { value: days, error } = useLoaded(() => admin(withQuery("/facts", range)),
    [range.since, range.until]);
  const change = (name) => (event) => event.target.value
    && setRange({ ...range, [name]: event.target.value });
  const save = () => download(withQuery("/facts.csv", range),
    `twtc-${range.since}-${range.until}.csv`).then(() => setFailure(null), setFailure);
  return html`<h1>Figures</h1>
    <p class="lead">Money and engagement by UTC day. A day is computed at 00:40 on the next one.</p>
    <form class="bar" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="From" type="date" value=${range.since} required onInput=${change("since")} />
      <${Field} label="To" type="date" value=${range.until} required onInput=${change("until")} />
      <span class="bar" role="group" aria-label="Ranges">${RANGES.map(([count, title]) => html`
        <button type="button" class="button" key=${title} onClick=${() => setRange(
          { since: dayBefore(count - 1), until: dayBefore(0) })}>${title}</button>`)}</span>
      <button type="button" class="button primary" onClick=${save}>Download CSV</button></form>
    <${Problem} error=${error ?? failure} />
    <${Today} />
    ${!days && !error && html`<p class="quiet">Loading…</p>`}
    ${days?.length === 0 && html`<p class="empty">No whole day of this range has been
      computed yet. The first one will be, at 00:40 UTC after it.</p>`}
    ${days?.length > 0 && html`<${Money} days=${days} /><${Engagement} days=${days} />
      <h2>Day by day</h2><${Days} days=${days} />`}`;
}

function Money({ days }) {
  const issued = sumOf(days, MONEY[0][1]);
  const usd = sumOf(days, MONEY[1][1]);
  return html`<h2>Coins issued against revenue</h2><div class="tiles">
      <${Tile} title="Coins issued" value=${number(issued)} note="TWTC" />
      <${Tile} title="Revenue" value=${money(usd)} note="of ads that were proved" />
      <${Tile} title="Revenue for 1,000 TWTC" value=${issued ? money(1000 * usd / issued, 4) : "–"}
        note="what stands behind a coin" />
      <${Tile} title="Days" value=${days.length} note=${`${days[0].day} to ${days.at(-1).day}`} /></div>
    <div class="charts">${MONEY.map((one) => html`<${Chart} key=${one[0]} days=${days} of=${one} />`)}</div>
    <div class="columns"><section><h3>Coins by what paid for them</h3>
      <${Shares} days=${days} name="coins_micro" scale=${MICRO} unit="TWTC" /></section>
      <section><h3>Revenue by network</h3>
      <${Shares} days=${days} name="revenue_micro_usd" scale=${MICRO} unit="USD" digits=${4} />
      </section></div>`;
}

function Engagement({ days }) {
  const last = days.at(-1);
  return html`<h2>Engagement</h2>
    <div class="charts">${ENGAGEMENT.map((one) => html`<${Chart} key=${one[0]} days=${days} of=${one} />`)}
    </div>
    <h3>Success measures on ${last.day}</h3>
    <${Table} label="Success measures" rows=${MEASURES.map((one) => ({ key: one[0], one }))} columns=${[
      ["Measure", ({ one }) => one[1]],
      ["Value", ({ one: [name, , format, , isMet] }) => html`<span class=${
        last.ratios[name] === null || isMet(last.ratios[name]) ? null : "warn"}>${
        format(last.ratios[name])}</span>`, true],
      ["Aim", ({ one }) => one[3] || "–", true]]} />`;
}

function Chart({ days, of: [title, value, digits] }) {
  const values = days.map(value);
  const ticks = days.length > 1 ? [days[0].day, days.at(-1).day] : [days[0].day];
  return html`<figure><figcaption>${title}<b>${number(values.at(-1), digits)}</b></figcaption>
    <${Columns} values=${values} name=${(place) => days[place].day} digits=${digits} ticks=${ticks}
      label=${`${title} from ${days[0].day} to ${days.at(-1).day}: last ${
        number(values.at(-1), digits)}, at most ${number(Math.max(...values), digits)}`} /></figure>`;
}

function Shares({ days, name, scale, unit, digits = 2 }) {
  const sums = {};
  days.forEach((day) => Object.entries(day.figures[name] ?? {}).forEach(([label, value]) => {
    sums[label] = (sums[label] ?? 0) + value / scale;
  }));
  const whole = Object.values(sums).reduce((a, b) => a + b, 0);
  const rows = Object.entries(sums).sort((a, b) => b[1] - a[1])
    .map(([label, value]) => ({ key: label, label, value }));
  return html`<${Table} label=${`${unit} by source`} rows=${rows} none="Nothing in these days." columns=${[
    ["Source", (row) => row.label.split(":").map(words).join(", ")],
    [unit, (row) => number(row.value, digits), true],
    ["Share", (row) => percent(whole ? row.value / whole : null), true]]} />`;
}

const Days = ({ days }) => html`<${Table} label="Day by day" rows=${[...days].reverse().map(
  (day) => ({ ...day, key: day.day }))} columns=${[
  ["Day", (day) => html`<details><summary>${day.day}</summary><${AllFigures} of=${day} /></details>`],
  ...[...MONEY, ...ENGAGEMENT].map(([title, value, digits]) => (
    [title, (day) => number(value(day), digits), true])),
]} />`;

const AllFigures = ({ of }) => html`<dl class="pairs">${Object.entries(of.figures).flatMap(
  ([name, labels]) => Object.entries(labels).map(([label, value]) => html`<div key=${name + label}>
    <dt>${name} ${label}</dt><dd>${number(value)}</dd></div>`))}</dl>`;
