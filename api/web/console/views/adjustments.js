// What takes two people: coins moved by hand, what is paid, and roles that approve.

import { html, useRef, useState } from "../html.js";
import { Act, Badge, Choice, Field, Paged, UserLink, admin, coins, instant, send, withQuery, words }
  from "../parts.js";
import { Changed } from "./configuration.js";

const KINDS = { PROPOSED: "warn", APPROVED: "warn", APPLIED: "good", GRANTED: "good", REJECTED: "",
  LAPSED: "", REFUSED: "bad" };

/** The columns about a proposal's fate, and the buttons that decide it. */
const fate = (me, titleOf, decide, approved) => [
  ["Why", (row) => html`${row.reason}<br /><small>by <${UserLink} id=${row.proposer_id} /></small>`],
  ["Status", (row) => html`<${Badge} kind=${KINDS[row.status]}>${words(row.status)}<//>
    ${row.failure && html`<br />${row.failure}`}`],
  ["Decided", (row) => (row.decider_id ? html`${row.note}<br />
    <small>by <${UserLink} id=${row.decider_id} />, ${instant(row.decided_at)}</small>` : "–")],
  ["", (row) => row.status === "PROPOSED" && html`<div class="bar">
    ${row.proposer_id === me.id ? html`<small>A colleague decides.</small>` : html`
      <${Act} label="Approve" title=${`Approve: ${titleOf(row)}`} kind="primary" ask="Note"
        done=${approved} run=${decide(row, "approve")} />`}
    <${Act} label=${row.proposer_id === me.id ? "Withdraw" : "Reject"} ask="Note"
      title=${`Reject: ${titleOf(row)}`} done="Rejected." run=${decide(row, "reject")} />
    </div>`],
];

/** A button that proposes to move coins of a user, or of one that is named in its form. */
export function Propose({ user = null, done = () => {} }) {
  const key = useRef(crypto.randomUUID()); // the same for a retry: proposed once
  const run = async (reason, { user: named, ...values }) => {
    await send(`/users/${user ?? named}/adjustments`, { reason, ...values }, "POST",
      { "Idempotency-Key": key.current });
    key.current = crypto.randomUUID();
    done();
  };
  return html`<${Act} label="Propose an adjustment" run=${run}
    done="Proposed. A colleague has to approve it within a week.">
    ${user === null && html`<${Field} label="User id" name="user" required pattern="[0-9]+"
      inputmode="numeric" />`}
    <${Choice} label="Direction" name="direction"
      options=${[["CREDIT", "Credit: to the user"], ["DEBIT", "Debit: from the user"]]} />
    <${Field} label="Amount, TWTC" name="amount" required inputmode="decimal"
      pattern="[0-9]{1,7}([.][0-9]{1,6})?" autocomplete="off" /><//>`;
}

export function Adjustments({ me }) {
  const [turn, setTurn] = useState(0);
  const again = () => setTurn((n) => n + 1);
  const decide = (kind) => (row, what) => async (note) => {
    await send(`/users/${row.user_id}/${kind}/${row.id}/${what}`, { note });
    again();
  };
  const decidePay = (row, what) => async (note) => {
    await send(`/pay-proposals/${row.id}/${what}`, { note });
    again();
  };
  const payOf = (row) => (row.kind === row.subject ? words(row.kind) : `${words(row.kind)} ${row.subject}`);
  const coinsOf = (row) => `${words(row.direction)} ${coins(row.amount)} TWTC, user ${row.user_id}`;
  const roleOf = (row) => `user ${row.user_id} as ${row.role}`;
  const columns = [
    ["Proposed", (row) => instant(row.proposed_at)],
    ["User", (row) => html`<${UserLink} id=${row.user_id} />`],
    ["TWTC", (row) => `${row.direction === "DEBIT" ? "−" : "+"}${coins(row.amount)}`, true],
    ...fate(me, coinsOf, decide("adjustments"), "Approved. A worker moves the coins next."),
  ];
  const roles = [
    ["Proposed", (row) => instant(row.proposed_at)],
    ["User", (row) => html`<${UserLink} id=${row.user_id} />`], ["Role", (row) => words(row.role)],
    ...fate(me, roleOf, decide("role-proposals"), "Granted. It counts for approving in a week."),
  ];
  const pay = [
    ["Proposed", (row) => instant(row.proposed_at)], ["Of", payOf],
    ["Changed", (row) => html`<${Changed} of=${row.changes} />`],
    ...fate(me, payOf, decidePay, "Approved. It is made."),
  ];
  return html`<h1>Adjustments</h1>
    <p class="lead">Coins moved by hand take four eyes: one proposes, a colleague whom other people chose
      approves. At most 10,000 TWTC are credited so on a UTC day.</p>
    <p class="bar"><${Propose} done=${again} />
      <button type="button" class="button" onClick=${again}>Read again</button></p>
    <${Paged} label="Adjustments" turn=${turn} columns=${columns} none="Nothing was ever proposed."
      load=${(cursor) => admin(withQuery("/adjustments", { cursor }))} />
    <h2>What is paid</h2>
    <p class="quiet">Versions of the configuration, kinds of tasks, and videos.</p>
    <${Paged} label="What is paid" turn=${turn} columns=${pay} none="No change was ever proposed."
      load=${(cursor) => admin(withQuery("/pay-proposals", { cursor }))} />
    <h2>Roles proposed</h2>
    <${Paged} label="Roles proposed" turn=${turn} columns=${roles} none="No role was ever proposed."
      load=${(cursor) => admin(withQuery("/role-proposals", { cursor }))} />`;
}
