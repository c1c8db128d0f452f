// Social tasks that were handed in and await a verdict, those that have waited longest first.

import { html, useState } from "../html.js";
import { Act, Problem, UserLink, admin, instant, say, send, useLoaded } from "../parts.js";

const idOf = (task) => `${task.user_id}/${task.day}/${task.number}/${task.submitted_at}`;

export function Reviews() {
  const { value, error, reload } = useLoaded(() => admin("/reviews"), [], 15);
  const [judged, setJudged] = useState(new Set());
  const [failure, setFailure] = useState(null);
  const judge = async (task, isApproved, reason = "") => {
    const body = { submitted_at: task.submitted_at, is_approved: isApproved, reason };
    await send(`/users/${task.user_id}/tasks/${task.day}/${task.number}/review`, body);
    setJudged((before) => new Set(before).add(idOf(task)));
    say(isApproved ? "Approved. A worker pays it next." : "Refused. The member may try again.");
    reload();
  };
  const approve = (task) => judge(task, true).then(() => setFailure(null), setFailure);
  const waiting = value?.filter((task) => !judged.has(idOf(task)));
  return html`<h1>Task reviews</h1>
    <p class="lead">Does what was handed in show what the task asked for? Approved, it is paid.</p>
    <${Problem} error=${error ?? failure} />
    ${!waiting && !error && html`<p class="quiet">Loading…</p>`}
    ${waiting?.length === 0 && html`<p class="empty">Nothing waits for a verdict.</p>`}
    <ul class="cards">${waiting?.map((task) => html`<li class="card" key=${idOf(task)}>
      <h2>${task.name}</h2><p><${Proof} text=${task.proof} /></p>
      <p class="quiet">User <${UserLink} id=${task.user_id} />, task ${task.number} of ${task.day},
        handed in ${instant(task.submitted_at)}</p>
      <p class="bar"><${Twice} label="Approve" then="Approve and pay" act=${() => approve(task)} />
        <${Act} label="Refuse" kind="danger" title=${`Refuse: ${task.name}`}
          run=${(reason) => judge(task, false, reason)} /></p></li>`)}</ul>`;
}

/** What pays takes a second press, on a button that says so; elsewhere it is forgotten. */
function Twice({ label, then, act }) {
  const [isSure, setSure] = useState(false);
  return html`<button type="button" class="button primary" onBlur=${() => setSure(false)}
    onClick=${() => (isSure ? act() : setSure(true))}>${isSure ? then : label}</button>`;
}

/** A member's own words; a link only if it is plainly one, and it tells nothing of where from. */
function Proof({ text }) {
  if (!text) return html`<span class="quiet">Nothing was handed in with it.</span>`;
  if (!/^https?:\/\/\S+$/.test(text)) return html`<q>${text}</q>`;
  return html`<a href=${text} target="_blank" rel="noopener noreferrer nofollow">${text}</a>`;
}
