// Users: find one, see their file, and what may be done about them. Every look is kept.

import { html, useState } from "../html.js";
import { Act, Badge, Choice, Field, Paged, Pairs, Problem, ROLES, Table, Tabs, Tile, UserLink, admin,
  coins, instant, may, send, useLoaded, withQuery, words } from "../parts.js";
import { Propose } from "./adjustments.js";
import { ProposeContact } from "./contacts.js";
import { SUSPICION } from "./fraud.js";

export const Users = ({ rest, role, me }) => (rest[0]
  ? html`<${File} key=${rest[0]} id=${rest[0]} tab=${rest[1]} role=${role} me=${me} />`
  : html`<${List} role=${role} />`);

function List({ role }) {
  const [filter, setFilter] = useState("");
  return html`<h1>Users</h1>
    <p class="lead">Find one by ${may(role, "admin") ? "id, e-mail address or phone number" : "id"},
      or go through the list. Who opens a user's file is kept in the trail.</p>
    <${Find} role=${role} />
    <form class="bar" onSubmit=${(event) => event.preventDefault()}>
      <${Choice} label="Role" value=${filter} onChange=${(event) => setFilter(event.target.value)}
        options=${[["", "Everybody"], ...ROLES.slice(1).map((name) => [name, words(name)])]} /></form>
    <${Paged} label="Users" keys=${[filter]} none="Nobody has this role."
      load=${async (after) => {
        const page = await admin(withQuery("/users", { after, role: filter, limit: 50 }));
        return { items: page.items, next_cursor: page.next_after };
      }} columns=${[
        ["User", (user) => html`<${UserLink} id=${user.id} />`],
        ["Role", (user) => words(user.role)],
        ["Account", (user) => html`<${Standing} of=${user} />`],
        ["Group", (user) => user.group_number, true],
        ["Registered", (user) => instant(user.created_at)],
        ["Last sign-in", (user) => instant(user.last_login_at)],
      ]} />`;
}

function Find({ role }) {
  const [text, setText] = useState("");
  const [error, setError] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    const asked = text.trim();
    try {
      const { id } = /^\d+$/.test(asked) ? { id: asked }
        : await send("/users/find", asked.includes("@") ? { email: asked } : { phone: asked });
      location.hash = `#/users/${id}`;
    } catch (failure) {
      setError(failure);
    }
  };
  const kind = may(role, "admin") ? { label: "Id, e-mail or phone" } : { label: "Id", pattern: "[0-9]+" };
  return html`<form class="bar" role="search" onSubmit=${submit}>
    <${Field} ...${kind} name="find" value=${text} required autocomplete="off" class="wide"
      onInput=${(event) => setText(event.target.value)} />
    <button class="button primary">Open</button></form><${Problem} error=${error} />`;
}

const Standing = ({ of }) => (of.closed_at ? html`<${Badge}>closed<//>`
  : of.is_active ? html`<${Badge} kind="good">in use<//>` : html`<${Badge} kind="bad">disabled<//>`);

function File({ id, tab, role, me }) {
  const { value: user, error, reload } = useLoaded(() => admin(`/users/${id}`), [id]);
  return html`<p><a href="#/users">All users</a></p><h1>User ${id}</h1>
    <${Problem} error=${error} />
    ${user && html`<${Summary} of=${user} />
      <${Actions} user=${user} role=${role} me=${me} reload=${reload} />
      <${History} user=${user} tab=${tab} role=${role} />`}
    ${!user && !error && html`<p class="quiet">Loading…</p>`}`;
}

function Summary({ of }) {
  const facts = [
    ["Account", html`<${Standing} of=${of} />`], ["Role", words(of.role)],
    ["Group", of.group_number], ["Name", of.display_name], ["E-mail", of.email], ["Phone", of.phone],
    ["Country", of.country], ["Language", of.language],
    ["Registered", instant(of.created_at)],
    ["Verified", of.verified_at ? instant(of.verified_at) : "not yet"],
    ["Last sign-in", of.last_login_at && instant(of.last_login_at)],
    ["Closed", of.closed_at && instant(of.closed_at)],
  ].filter(([, value]) => value !== null && value !== undefined);
  return html`<div class="tiles">
      <${Tile} title="Balance" value=${coins(of.balance)} note=${`settled ${coins(of.settled_balance)}`} />
      <${Tile} title="Earned in all" value=${coins(of.total_earned)}
        note=${`withdrawn ${coins(of.total_withdrawn)}`} />
      <${Tile} title="Alert level" value=${`${of.level} of 4`} kind=${of.level > 1 ? "bad" : ""}
        note=${of.level ? "falls with each clean day" : "nothing noticed"} />
      <${Tile} title="Held" value=${of.hold ? words(of.hold) : "No"} kind=${of.hold ? "bad" : ""}
        note=${of.hold ? html`until ${instant(of.hold_until)}` : "may start everything"} /></div>
    <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt>
      <dd>${value}</dd></div>`)}</dl>`;
}

function Actions({ user, role, me, reload }) {
  if (user.id === me.id) return html`<p class="quiet">Nobody changes their own standing.</p>`;
  const act = (what, more = {}) => async (reason, values) => {
    await send(`/users/${user.id}/${what}`, { reason, ...more, ...values });
    reload();
  };
  return html`<div class="bar actions" role="group" aria-label="Actions">
    ${user.hold && html`<${Act} label="Release" done="Released." run=${act("release")}
      text="Ends what holds the account, and forgets its alert level." />`}
    <${Act} label="Suspend" done="Suspended for a day." run=${act("suspend")}
      text="For a day it starts nothing and ends nothing." />
    ${may(role, "admin") && html`
      ${user.is_active ? html`<${Act} key="off" label="Disable" kind="danger" done="Disabled."
        run=${act("disable")} text="It can no longer sign in, and earns nothing from now on." />`
        : html`<${Act} key="on" label="Enable" done="Enabled." run=${act("enable")} />`}
      <${Act} label="Change role" done="The role holds from the next request on." run=${act("role")}>
        <${Choice} label="Role" name="role" defaultValue=${user.role}
          options=${ROLES.filter((name) => isGiven(name, user.role, role))} /><//>
      ${role === "superadmin" && !may(user.role, role) && html`<${ProposeRole} of=${user} />`}
      <${Propose} user=${user.id} />
      ${!user.closed_at && html`<${ProposeContact} user=${user.id} />`}`}</div>`;
}

/** Whether one alone may give a role: to make somebody admin or more takes two. */
const isGiven = (name, before, role) => (role === "superadmin" || !may(name, role))
  && (!may(name, "admin") || may(before, name));

const ProposeRole = ({ of }) => html`<${Act} label="Propose as staff"
  done="Proposed. A colleague of another line has to approve it within a week."
  text="Admins and superadmins approve what others propose, so it takes two to make one."
  run=${(reason, { role }) => send(`/users/${of.id}/role-proposals`, { reason, role })}>
  <${Choice} label="Role" name="role"
    options=${["admin", "superadmin"].filter((name) => !may(of.role, name))} /><//>`;

const page = (id, what) => (cursor) => admin(withQuery(`/users/${id}/${what}`, { cursor }));

function History({ user, tab, role }) {
  const { id } = user;
  const tabs = [["devices", "Devices"], ["ledger", "Ledger"], ["sessions", "Mining sessions"],
    ["activity", "Activity"], ["suspicions", "Suspicions"]];
  if (may(role, "superadmin")) tabs.push(["trail", "Who looked, who acted"]);
  const shown = {
    devices: html`<${Devices} id=${id} />`,
    ledger: html`<${Paged} label="Ledger" load=${page(id, "ledger")} none="Nothing was paid yet."
      columns=${LEDGER} />`,
    sessions: html`<${Paged} label="Mining sessions" load=${page(id, "sessions")} columns=${SESSIONS}
      none="Never mined." />`,
    activity: html`<${Paged} label="Activity" load=${page(id, "activity")} columns=${ACTIVITY}
      none="Nothing was done yet." />`,
    suspicions: html`<${Paged} label="Suspicions" columns=${SUSPICION} none="Nothing looked wrong."
      load=${(cursor) => admin(withQuery("/suspicions", { user: id, cursor }))} />`,
    trail: html`<${Paged} label="Trail of this user" columns=${TRAIL}
      load=${(cursor) => admin(withQuery("/log", { user: id, cursor }))} />`,
  };
  return html`<${Tabs} label="History" at=${tab} tabs=${tabs.map(([name, title]) => (
    [name, title, `#/users/${id}/${name}`]))} />
    <div key=${tab}>${shown[tab] ?? html`<p class="empty">Choose what to open. Each look is kept.</p>`}</div>`;
}

const LEDGER = [
  ["When", (row) => instant(row.created_at)], ["Type", (row) => words(row.type)],
  ["TWTC", (row) => `${row.from_account.startsWith("wallet:") ? "−" : "+"}${coins(row.amount)}`, true],
  ["Paid for by", (row) => words(row.funding)], ["Text", (row) => row.description],
  ["Reference", (row) => html`<code>${row.reference}</code>`],
];
const SESSIONS = [
  ["Requested", (row) => instant(row.requested_at)], ["Status", (row) => words(row.status)],
  ["Group", (row) => row.group_number, true], ["Reward, TWTC", (row) => coins(row.reward), true],
  ["Started", (row) => instant(row.started_at)], ["Ends", (row) => instant(row.ends_at)],
  ["Failure", (row) => (row.failure ? words(row.failure) : "–")],
];
const ACTIVITY = [
  ["When", (row) => instant(row.created_at)], ["Action", (row) => words(row.action)],
  ["On", (row) => words(row.resource_type)], ["Details", (row) => html`<${Pairs} of=${row.metadata} />`],
  ["Address", (row) => row.ip_address ?? "–"], ["Agent", (row) => html`<small>${row.user_agent ?? "–"}</small>`],
];
const TRAIL = [
  ["When", (row) => instant(row.created_at)],
  ["Who", (row) => (row.actor_id ? html`<${UserLink} id=${row.actor_id} /> ${row.actor_role}` : "command line")],
  ["Action", (row) => html`<code>${row.action}</code>`], ["Reason", (row) => row.reason || "–"],
];

function Devices({ id }) {
  const { value, error } = useLoaded(() => admin(`/users/${id}/devices`), [id]);
  return html`<${Problem} error=${error} />${!error && html`<h2>Signed in</h2>
    <${Table} label="Signed in" rows=${value?.sign_ins} none="Nowhere." columns=${[
      ["Agent", (row) => row.user_agent || "–"], ["Address", (row) => row.ip_address ?? "–"],
      ["Since", (row) => instant(row.created_at)], ["Seen", (row) => instant(row.seen_at)]]} />
    <h2>Recognised devices</h2>
    <${Table} label="Recognised devices" none="None in 90 days." rows=${value?.fingerprints.map(
      (row) => ({ ...row, key: row.fingerprint }))} columns=${[
      ["Fingerprint", (row) => html`<code title=${row.fingerprint}>${row.fingerprint.slice(0, 12)}</code>`],
      ["Seen", (row) => instant(row.seen_at)],
      ["Accounts", (row) => (row.account_count > 3
        ? html`<${Badge} kind="bad">${row.account_count}<//>` : row.account_count), true]]} />
    <h2>Told of notifications</h2>
    <${Table} label="Told of notifications" rows=${value?.phones} none="None." columns=${[
      ["Platform", (row) => words(row.platform)], ["Language", (row) => row.language],
      ["Seen", (row) => instant(row.seen_at)]]} />`}`;
}
