// The configuration: what holds now, every version with its reason, and the next one.

import { html, useState } from "../html.js";
import { Badge, Field, Problem, Table, UserLink, admin, instant, may, number, say, send, useLoaded, words }
  from "../parts.js";

const MICRO = 1e6;
// Name, title, unit, and how many of what is stored are one of the unit.
const RATES = [
  ["base_rate_micro_per_hour", "Base rate", "TWTC an hour", MICRO],
  ["boosts_per_day", "Boosts", "a day", 1],
  ["bonus_micro", "Bonus for all tasks", "TWTC", MICRO],
  ["contact_wait_hours", "A change of address waits", "hours", 1],
  ["contact_back_days", "It can be taken back for", "days", 1],
];
const VESTING = [
  ["daily_limit_micro", "May leave an account not proven", "TWTC a day", MICRO],
  ["days", "Proven with both addresses after", "active days", 1],
  ["days_one_address", "Proven with one address after", "active days", 1],
  ["score_below", "Proven with a score below", "of 100", 1],
];

// Of tasks and videos, too: what is told of a proposal.
const PAID = [...RATES, ["reward_micro", "Reward", "TWTC", MICRO], ["boost_percent", "Boost", "%", 1]];

export function Configuration({ rest, role }) {
  const { value, error } = useLoaded(() => admin("/configuration"));
  if (rest[0] === "new" && value) return html`<${Next} of=${value} />`;
  return html`<h1>Configuration</h1>
    <p class="lead">Rates, limits and the mix of tasks. A change is a new version: one superadmin
      proposes it, a colleague approves it under <a href="#/adjustments">Adjustments</a>. It holds from five
      minutes after that at the earliest, and never for what was before.</p>
    <${Problem} error=${error} />
    ${!value && !error && html`<p class="quiet">Loading…</p>`}
    ${value && html`${may(role, "superadmin") ? html`<p><a class="button primary"
        href="#/configuration/new">Propose the next version</a></p>`
        : html`<p class="quiet">A superadmin proposes the next version.</p>`}
      <h2>In force</h2><${InForce} of=${value.in_force} />
      <h2>Versions</h2><${Versions} of=${value} />`}`;
}

function InForce({ of }) {
  const facts = [
    ...RATES.map(([name, title, unit, scale]) => [title, `${number(of[name] / scale, 6)} ${unit}`]),
    ...Object.entries(of.task_mix).map(([name, count]) => [`${words(name)} tasks`, `${count} a day`]),
    ...VESTING.map(([name, title, unit, scale]) => [title, `${number(of.vesting[name] / scale, 6)} ${unit}`]),
  ];
  return html`<dl class="facts">${facts.map(([title, text]) => html`<div key=${title}><dt>${title}</dt>
      <dd>${text}</dd></div>`)}</dl>
    <h3>Limits of requests</h3>
    <${Table} label="Limits of requests" rows=${Object.entries(of.limits).map(([name, limit]) => (
      { key: name, name, ...limit }))} columns=${[
      ["Limit", (row) => words(row.name)], ["Requests", (row) => number(row.quota), true],
      ["Within, seconds", (row) => number(row.window_seconds), true]]} />`;
}

function Versions({ of }) {
  const now = new Date().toISOString();
  const holding = of.versions.find((version) => version.effective_from <= now)?.version;
  const stateOf = (version) => (version.version === holding ? html`<${Badge} kind="good">in force<//>`
    : version.effective_from > now ? html`<${Badge} kind="warn">to come<//>` : "");
  return html`<${Table} label="Versions" rows=${of.versions.map((version) => (
    { ...version, key: version.version }))} columns=${[
    ["Version", (version) => html`${version.version} ${stateOf(version)}`],
    ["Holds from", (version) => instant(version.effective_from)],
    ["Changed", (version) => html`<${Changed} of=${version.changed} />`],
    ["Reason", (version) => version.reason],
    ["By", (version) => (version.author_id ? html`<${UserLink} id=${version.author_id} />` : "installation")],
  ]} />`;
}

/** A value as it is read, or of an object only what differs from another. */
function show(value, other, scale) {
  if (value == null) return "–";
  if (typeof value !== "object" || !value) return scale ? number(value / scale, 6) : String(value);
  return Object.entries(value).filter(([key, one]) => JSON.stringify(one) !== JSON.stringify(other?.[key]))
    .map(([key, one]) => `${words(key)} ${one.quota ? `${one.quota} in ${one.window_seconds} s` : one}`)
    .join(", ");
}

/** What is another value, before and after. */
export function Changed({ of }) {
  const entries = Object.entries(of);
  if (!entries.length) return "–";
  return html`<dl class="pairs">${entries.map(([name, [before, after]]) => {
    const [, title = words(name), unit = "", scale] = PAID.find(([known]) => known === name) ?? [];
    return html`<div key=${name}><dt>${title}</dt><dd><del>${show(before, after, scale)}</del> →${" "}
      <ins>${show(after, before, scale)}</ins> ${unit}</dd></div>`;
  })}</dl>`;
}

/** The whole next configuration, read from the form's fields by their names. */
function read(form, before) {
  const values = Object.fromEntries(new FormData(form));
  const whole = (name) => Number(values[name]);
  return {
    ...Object.fromEntries(RATES.map(([name, , , scale]) => [name, Math.round(whole(name) * scale)])),
    task_mix: Object.fromEntries(Object.keys(before.task_mix).map((name) => [name, whole(`mix.${name}`)])),
    limits: Object.fromEntries(Object.keys(before.limits).map((name) => [name, {
      quota: whole(`quota.${name}`), window_seconds: whole(`window.${name}`) }])),
    vesting: Object.fromEntries(VESTING.map(([name, , , scale]) => [name,
      Math.round(whole(`vesting.${name}`) * scale)])),
  };
}

function Next({ of }) {
  const latest = of.versions[0];
  const { settings } = latest;
  const [state, set] = useState({ error: null, isBusy: false });
  const submit = async (event) => {
    event.preventDefault();
    const { reason, since } = Object.fromEntries(new FormData(event.target));
    set({ error: null, isBusy: true });
    try {
      await send("/configuration", { after: latest.version, reason,
        settings: read(event.target, settings), effective_from: since ? `${since}:00Z` : null });
      say("Proposed. A colleague has to approve it within a week.");
      location.hash = "#/adjustments";
    } catch (error) {
      set({ error, isBusy: false });
    }
  };
  return html`<p><a href="#/configuration">Configuration</a></p>
    <h1>Version ${latest.version + 1}</h1>
    <form class="sheet" onSubmit=${submit}>
      <fieldset><legend>Rates</legend><div class="two">${RATES.map(([name, title, unit, scale]) => html`
        <${Field} key=${name} label=${`${title}, ${unit}`} name=${name} type="number" min="0" required
          step=${scale === 1 ? 1 : "0.000001"} defaultValue=${settings[name] / scale} />`)}</div></fieldset>
      <fieldset><legend>Daily tasks, 20 in all</legend><div class="two">
        ${Object.entries(settings.task_mix).map(([name, count]) => html`<${Field} key=${name}
          label=${words(name)} name=${`mix.${name}`} type="number" min="0" max="20" required
          defaultValue=${count} />`)}</div></fieldset>
      <fieldset><legend>Vesting: what may leave an account</legend><div class="two">
        ${VESTING.map(([name, title, unit, scale]) => html`<${Field} key=${name}
          label=${`${title}, ${unit}`} name=${`vesting.${name}`} type="number" min="0" required
          step=${scale === 1 ? 1 : "0.000001"} defaultValue=${settings.vesting[name] / scale} />`)}
        </div></fieldset>
      <fieldset><legend>Limits of requests</legend>${Object.entries(settings.limits).map(
        ([name, limit]) => html`<div class="two" key=${name}><${Field} label=${`${words(name)}: requests`}
          name=${`quota.${name}`} type="number" min="1" max="1000000" required defaultValue=${limit.quota} />
        <${Field} label="within seconds" name=${`window.${name}`} type="number" min="1" max="2592000"
          required defaultValue=${limit.window_seconds} /></div>`)}</fieldset>
      <div class="two"><${Field} label="Holds from, UTC" name="since" type="datetime-local"
          hint="Empty: five minutes after it is approved." />
        <${Field} label="Reason" name="reason" required minlength="3" maxlength="500"
          hint="Kept with the version and in the trail." autocomplete="off" /></div>
      <${Problem} error=${state.error} />
      <p class="bar"><button class="button primary" disabled=${state.isBusy}>Propose the version</button>
        <a class="button" href="#/configuration">Cancel</a></p></form>`;
}
