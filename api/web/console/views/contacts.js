// Changes of address by support: proposed by one, approved by another.

import { html, useState } from "../html.js";
import { Act, Badge, Field, Paged, UserLink, admin, instant, send, withQuery, words } from "../parts.js";

const KINDS = { PROPOSED: "warn", WAITING: "warn", APPLIED: "good", FINISHED: "good", REVERTED: "bad" };

/** A button that proposes another address for a user. */
export function ProposeContact({ user, done = () => {} }) {
  const run = async (reason, { address }) => {
    const wanted = address.includes("@") ? { email: address } : { phone: address };
    await send(`/users/${user}/contact-changes`, { reason, ...wanted });
    done();
  };
  return html`<${Act} label="Propose another address" run=${run}
    text="For who lost what they sign in with. Say how you made sure that it is the member who asks."
    done="Proposed. A colleague has to approve it within a week.">
    <${Field} label="New e-mail address, or number with +" name="address" required
      autocomplete="off" /><//>`;
}

export function Contacts({ me }) {
  const [turn, setTurn] = useState(0);
  const again = () => setTurn((n) => n + 1);
  const decide = (row, what) => async (note) => {
    await send(`/users/${row.user_id}/contact-changes/${row.id}/${what}`, { note });
    again();
  };
  const titleOf = (row) => `${row.address}, user ${row.user_id}`;
  const columns = [
    ["Proposed", (row) => instant(row.requested_at)],
    ["User", (row) => html`<${UserLink} id=${row.user_id} />`],
    ["New address", (row) => row.address ?? words(row.kind)],
    ["Why", (row) => html`${row.reason}<br /><small>by <${UserLink} id=${row.proposer_id} /></small>`],
    ["Status", (row) => html`<${Badge} kind=${KINDS[row.status] ?? ""}>${words(row.status)}<//>
      ${row.status === "WAITING" && html`<br />until ${instant(row.effective_at)}`}`],
    ["Decided", (row) => (row.decider_id ? html`${row.note}<br />
      <small>by <${UserLink} id=${row.decider_id} />, ${instant(row.decided_at)}</small>` : "–")],
    ["", (row) => ["PROPOSED", "WAITING"].includes(row.status) && html`<div class="bar">
      ${row.status === "PROPOSED" && (row.proposer_id === me.id ? html`<small>A colleague decides.</small>`
        : html`<${Act} label="Approve" title=${`Approve: ${titleOf(row)}`} kind="primary" ask="Note"
          text="Both addresses are told. It takes effect after the waiting time, unless the former one objects."
          done="Approved. It waits now." run=${decide(row, "approve")} />`)}
      <${Act} label=${row.proposer_id === me.id ? "Withdraw" : "Reject"} ask="Note"
        title=${`Reject: ${titleOf(row)}`} done="Nothing changes." run=${decide(row, "reject")} />
      </div>`],
  ];
  return html`<h1>Changes of address</h1>
    <p class="lead">What a member signs in with is changed by support with four eyes: one proposes,
      another approves, and the former address is told.</p>
    <p class="bar"><button type="button" class="button" onClick=${again}>Read again</button></p>
    <${Paged} label="Changes of address" turn=${turn} columns=${columns} none="Nothing was ever proposed."
      load=${(cursor) => admin(withQuery("/contact-changes", { cursor }))} />`;
}
