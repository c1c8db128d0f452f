// Suspicious activity: what looked wrong, the evidence, and a moderator's decision.

import { html, useState } from "../html.js";
import { Act, Badge, Paged, Pairs, Tabs, UserLink, admin, instant, send, withQuery, words }
  from "../parts.js";

const DECISIONS = {
  "fraud.clear": "nothing wrong", "fraud.release": "released", "fraud.suspend": "suspended",
  "user.disable": "disabled",
};
const GRAVE = { CRITICAL: "bad", HIGH: "bad", MEDIUM: "warn", LOW: "" };

// Also what a user's file shows.
export const SUSPICION = [
  ["When", (row) => instant(row.created_at)],
  ["What", (row) => html`<b>${words(row.event_type)}</b><br />
    <${Badge} kind=${GRAVE[row.severity]}>${words(row.severity)}<//>`],
  ["Evidence", (row) => html`<${Pairs} of=${row.details} />`],
  ["From", (row) => html`${row.ip_address ?? "–"}${row.device_fingerprint && html`<br />
    <code title=${row.device_fingerprint}>${row.device_fingerprint.slice(0, 12)}</code>`}`],
  ["Decided", (row) => (row.decision ? html`${DECISIONS[row.decision]} by
    <${UserLink} id=${row.decided_by} /><br />${instant(row.decided_at)}` : "not yet")],
];

export function Fraud({ rest }) {
  const [turn, setTurn] = useState(0);
  const state = rest[0] === "all" ? "all" : "undecided";
  const decide = (row, what) => async (reason) => {
    await send(`/users/${row.user_id}/${what}`, { reason });
    setTurn((n) => n + 1);
  };
  const columns = [
    SUSPICION[0],
    ["User", (row) => html`<${UserLink} id=${row.user_id} /><br />level ${row.level}
      ${row.hold && html`<br /><${Badge} kind="bad">${words(row.hold)}<//>`}`],
    ...SUSPICION.slice(1, state === "all" ? 5 : 4),
    ["", (row) => html`<div class="bar">
      <${Act} label="Nothing wrong" title=${`Nothing wrong with user ${row.user_id}`}
        done="Noted: nothing wrong." run=${decide(row, "clear")}
        text="It leaves the list. What holds the account stays." />
      ${row.hold && html`<${Act} label="Release" title=${`Release user ${row.user_id}`}
        done="Released." run=${decide(row, "release")}
        text="Ends what holds the account, and forgets its alert level." />`}
      <${Act} label="Suspend" title=${`Suspend user ${row.user_id}`} kind="danger"
        done="Suspended for a day." run=${decide(row, "suspend")}
        text="For a day it starts nothing and ends nothing." /></div>`],
  ];
  return html`<h1>Suspicious activity</h1>
    <p class="lead">What was of high or critical severity, with its evidence. A decision about a user
      settles everything until then.</p>
    <${Tabs} label="Which" at=${state} tabs=${[["undecided", "Undecided, 30 days", "#/fraud"],
      ["all", "Everything", "#/fraud/all"]]} />
    <${Paged} key=${state} turn=${turn} label="Suspicious activity" columns=${columns}
      load=${(cursor) => admin(withQuery("/suspicions",
        { undecided: state === "undecided" ? "true" : "", cursor }))}
      none=${state === "all" ? "Nothing has looked wrong." : "Everything is decided."} />`;
}
