// Ad units and networks: what is shown, how often, for how much, and what proves it.

import { html } from "../html.js";
import { Act, Badge, Choice, Field, Problem, Table, admin, number, send, useLoaded, words }
  from "../parts.js";

const PROOFS = [["BOTH", "Our clock and the network's signature"],
  ["NETWORK_SIGNED", "The network's signature"], ["CLIENT_TIMED", "Our clock"]];
const SHORT = { BOTH: "both", NETWORK_SIGNED: "signature", CLIENT_TIMED: "our clock" };
const MICRO = 1e6;

export function Ads() {
  const units = useLoaded(() => admin("/ads"));
  const networks = useLoaded(() => admin("/networks"));
  const reload = () => { units.reload(); networks.reload(); };
  return html`<h1>Ads and networks</h1>
    <p class="lead">A unit is served by its weight in the rotation; the rank is its turn when another
      cannot be shown. A change holds from the next view on.</p>
    <${Problem} error=${units.error ?? networks.error} />
    <p class="bar">${networks.value && html`<${Add} networks=${networks.value} reload=${reload} />`}</p>
    ${["MINING", "TASK"].map((purpose) => html`<${Units} key=${purpose} purpose=${purpose}
      units=${units.value?.filter((unit) => unit.purpose === purpose)} reload=${reload} />`)}
    <h2>Networks</h2>
    <${Table} label="Networks" rows=${networks.value?.map((one) => ({ ...one, key: one.name }))} columns=${[
      ["Network", (one) => one.name], ["Units", (one) => one.units, true],
      ["Callbacks", (one) => (one.is_verified ? html`<${Badge} kind="good">verified<//>`
        : "not understood: its secret is not configured")]]} />`;
}

function Units({ purpose, units, reload }) {
  const whole = (units ?? []).reduce((all, unit) => all + (unit.is_active ? unit.weight : 0), 0);
  const title = purpose === "MINING" ? "For mining sessions" : "For daily tasks";
  return html`<h2>${title}</h2><${Table} label=${title} rows=${units} columns=${[
    ["Unit", (unit) => html`<b>${unit.network}</b><br /><code>${unit.unit}</code>`],
    ["State", (unit) => (unit.is_active ? html`<${Badge} kind="good">served<//>` : html`<${Badge}>off<//>`)],
    ["Share", (unit) => (unit.is_active && whole ? `${number(100 * unit.weight / whole)} %` : "–"), true],
    ["Weight", (unit) => unit.weight, true], ["Rank", (unit) => unit.fallback_rank, true],
    ["Seconds", (unit) => unit.min_seconds, true],
    ["Proof", (unit) => SHORT[unit.proof]],
    ["A minute", (unit) => unit.requests_per_minute ?? "no limit", true],
    ["USD a view", (unit) => number(unit.revenue_micro_usd / MICRO, 6), true],
    ["", (unit) => html`<${Change} unit=${unit} reload=${reload} />`],
  ]} />`;
}

/** What the form holds, as the API has it. */
const read = ({ is_active, usd, ...values }) => ({
  ...values,
  ...Object.fromEntries(["min_seconds", "weight", "fallback_rank", "requests_per_minute"]
    .map((name) => [name, Number(values[name])])),
  revenue_micro_usd: Math.round(Number(usd) * MICRO),
  is_active: is_active === "true",
});

const Change = ({ unit, reload }) => html`<${Act} label="Change" done="It holds from the next view on."
  title=${`Change ${unit.network} ${unit.unit}`} run=${async (reason, values) => {
    await send(`/ads/${unit.id}`, { ...read(values), reason }, "PATCH");
    reload();
  }}><${Inputs} unit=${unit} /><//>`;

const NEW = { unit: "", min_seconds: 60, proof: "BOTH", weight: 0, fallback_rank: 10,
  requests_per_minute: 0, revenue_micro_usd: 0, is_active: false };

const Add = ({ networks, reload }) => html`<${Act} label="Add a unit" kind="primary"
  done="Added." run=${async (reason, values) => {
    await send("/ads", { ...read(values), reason });
    reload();
  }}>
  <div class="two"><${Choice} label="Network" name="network"
      options=${networks.map((one) => [one.name, one.name])} />
    <${Choice} label="For" name="purpose" options=${["MINING", "TASK"]} />
    <${Choice} label="Type" name="type" options=${["REWARDED", "VIDEO", "INTERSTITIAL"]} /></div>
  <${Inputs} unit=${NEW} /><//>`;

const Inputs = ({ unit }) => html`<div class="two">
  <${Field} label="Unit id at the network" name="unit" defaultValue=${unit.unit} required
    maxlength="64" pattern="[A-Za-z0-9_.\\/\\-]+" autocomplete="off" />
  <${Choice} label="Served" name="is_active" defaultValue=${String(unit.is_active)}
    options=${[["true", "Yes"], ["false", "No"]]} />
  <${Field} label="Weight" name="weight" type="number" min="0" max="10000" required
    defaultValue=${unit.weight} />
  <${Field} label="Rank" name="fallback_rank" type="number" min="1" max="100" required
    defaultValue=${unit.fallback_rank} />
  <${Field} label="Seconds to watch" name="min_seconds" type="number" min="1" max="600" required
    defaultValue=${unit.min_seconds} />
  <${Field} label="Requests a minute (0: no limit)" name="requests_per_minute" type="number" min="0"
    max="1000000" required defaultValue=${unit.requests_per_minute ?? 0} />
  <${Field} label="USD a view" name="usd" type="number" min="0" max="1000" step="0.000001" required
    defaultValue=${unit.revenue_micro_usd / MICRO} />
  <${Choice} label="Proof" name="proof" defaultValue=${unit.proof} options=${PROOFS} /></div>`;
