// The trail: who did what to whom, and who looked at whom.

import { html, useState } from "../html.js";
import { Field, Paged, Pairs, UserLink, admin, instant, withQuery } from "../parts.js";

export function Log() {
  const [filter, setFilter] = useState({ user: "", actor: "" });
  const submit = (event) => {
    event.preventDefault();
    setFilter(Object.fromEntries(new FormData(event.target)));
  };
  return html`<h1>Trail</h1>
    <p class="lead">Everything privileged, looking at somebody included. It is never changed.</p>
    <form class="bar" onSubmit=${submit}>
      <${Field} label="Done to user" name="user" pattern="[0-9]*" inputmode="numeric" />
      <${Field} label="Done by" name="actor" pattern="[0-9]*" inputmode="numeric" />
      <button class="button primary">Show</button></form>
    <${Paged} label="Trail" keys=${[filter]} none="Nothing was done."
      load=${(cursor) => admin(withQuery("/log", { ...filter, limit: 50, cursor }))} columns=${[
        ["When", (row) => instant(row.created_at)],
        ["Who", (row) => (row.actor_id ? html`<${UserLink} id=${row.actor_id} /> ${row.actor_role}<br />
          <small>${row.ip_address}</small>` : "command line")],
        ["Action", (row) => html`<code>${row.action}</code>`],
        ["On", (row) => (row.subject_kind === "user" ? html`user <${UserLink} id=${row.subject_id} />`
          : html`${row.subject_kind} <code>${row.subject_id}</code>`)],
        ["Reason", (row) => row.reason || "–"],
        ["Changed", (row) => html`<${Change} of=${row} />`],
      ]} />`;
}

function Change({ of: { before, after } }) {
  if (!Object.keys(before).length && !Object.keys(after).length) return "–";
  return html`<details><summary>Details</summary>
    ${Object.keys(before).length > 0 && html`<p><b>Before</b></p><${Pairs} of=${before} />`}
    ${Object.keys(after).length > 0 && html`<p><b>After</b></p><${Pairs} of=${after} />`}</details>`;
}
