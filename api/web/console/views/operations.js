// How the engine stands: what PostgreSQL says is done and undone, and who should be doing it.

import { html } from "../html.js";
import { Act, Badge, Problem, Table, Tile, UserLink, admin, ago, instant, number, plain, send, useLoaded }
  from "../parts.js";

const EVERY_SECONDS = 5;
const sum = (rows, of) => rows.reduce((total, row) => total + of(row), 0);
const oldestOf = (rows) => rows.reduce((oldest, row) => (
  !oldest || row.oldest_at < oldest ? row.oldest_at : oldest), null);

export function Operations() {
  const { value, error, reload } = useLoaded(() => admin("/operations"), [], EVERY_SECONDS);
  const letters = useLoaded(() => admin("/dead-letters"), [value?.dead_letter_count]);
  return html`<h1>Operations</h1>
    <p class="lead">Which groups were paid through when, what waits, who works.
      ${value && html` As of ${instant(value.at)}, read again every ${EVERY_SECONDS} seconds.`}</p>
    <${Problem} error=${error} />
    ${value && html`<${Verdict} of=${value} /><${Tiles} of=${value} />
      <h2>Groups</h2><${Groups} of=${value} />
      <h2>Dead letters</h2>
      <p class="quiet">Intents, and calls to the outside, that failed too often. Requeued, an intent is
        applied as of when it was recorded, once.</p>
      <${Letters} rows=${letters.value} reload=${() => { reload(); letters.reload(); }} />
      <div class="columns"><section><h2>Undone intents by piece</h2><${Pieces} of=${value} /></section>
        <section><h2>Workers</h2><${Workers} of=${value} /></section></div>`}
    ${!value && !error && html`<p class="quiet">Loading…</p>`}`;
}

function Verdict({ of }) {
  const late = of.ticks.filter((tick) => tick.missed_boundaries > 0);
  const wrong = [
    late.length && `Group ${late.map((tick) => tick.group_number).join(", ")} missed a boundary.`,
    of.workers?.length === 0 && "No worker is connected.",
    of.dead_letter_count && `${number(of.dead_letter_count)} dead letter${
      of.dead_letter_count > 1 ? "s" : ""} to look at.`,
    ...of.alerts.map((alert) => `${alert.severity}: ${alert.text} (since ${plain(alert.opened_at)})`),
  ].filter(Boolean);
  if (!wrong.length) return html`<p class="said" role="status">Everything is on time.</p>`;
  return html`<div class="problem" role="status"><ul>${wrong.map((text) => html`
    <li key=${text}>${text}</li>`)}</ul></div>`;
}

function Tiles({ of }) {
  const missed = Math.max(0, ...of.ticks.map((tick) => tick.missed_boundaries));
  const undone = sum(of.backlog, (piece) => piece.undone);
  const oldest = oldestOf(of.backlog);
  return html`<div class="tiles">
    <${Tile} title="Missed boundaries" value=${missed} kind=${missed ? "bad" : "good"}
      note=${of.ticks.length ? `groups that earn now: ${of.ticks.length}` : "nobody earns now"} />
    <${Tile} title="Undone intents" value=${number(undone)}
      note=${oldest ? `oldest ${ago(oldest, of.at)}` : "nobody waits"} />
    <${Tile} title="Bells waiting" value=${of.queues ? number(sum(of.queues, (q) => q.depth)) : "–"}
      note=${of.queues ? "in the broker" : "the broker cannot be asked"} />
    <${Tile} title="Workers alive" value=${of.workers?.length ?? "–"}
      kind=${of.workers?.length === 0 ? "bad" : ""}
      note=${of.workers ? "listening to the broker" : "the broker cannot be asked"} />
    <${Tile} title="Dead letters" value=${number(of.dead_letter_count)}
      kind=${of.dead_letter_count ? "bad" : "good"} note="failed too often" /></div>`;
}

function Groups({ of }) {
  const tickOf = (group) => of.ticks.find((tick) => tick.group_number === group);
  const waiting = (group) => of.backlog.filter((piece) => piece.group_number === group);
  const depth = (name) => of.queues?.find((queue) => queue.name === name)?.depth;
  const rows = [
    ...of.groups.map((group) => ({
      ...group, key: group.group_number, number: group.group_number,
      queue: `group-${String(group.group_number).padStart(2, "0")}`,
    })),
    { key: "upkeep", number: 0, queue: "upkeep" },
    { key: "push", number: 11, queue: "push" },
  ];
  return html`<${Table} label="Groups" rows=${rows} columns=${[
    ["Group", (row) => (row.members === undefined ? row.queue : row.number)],
    ["Members", (row) => number(row.members), true],
    ["Window", (row) => (row.opens_at ? html`${row.is_open
      ? html`<${Badge} kind="good">open<//>` : html`opens ${row.opens_at.slice(11, 19)}`}` : "–")],
    ["Paid through", (row) => instant(tickOf(row.number)?.credited_through)],
    ["Missed", (row) => missedOf(tickOf(row.number)), true],
    ["Undone", (row) => number(sum(waiting(row.number), (piece) => piece.undone)), true],
    ["Oldest", (row) => ageOf(oldestOf(waiting(row.number)), of.at)],
    ["Bells", (row) => number(depth(row.queue)), true],
  ]} />`;
}

const missedOf = (tick) => (!tick ? "–" : tick.missed_boundaries
  ? html`<${Badge} kind="bad">${tick.missed_boundaries}<//>` : "0");
const ageOf = (at, now) => (at ? ago(at, now) : "–");

const Pieces = ({ of }) => html`<${Table} label="Undone intents by piece"
  none="Every intent is applied." rows=${of.backlog.map((piece) => (
    { ...piece, key: `${piece.group_number}/${piece.bucket}` }))} columns=${[
    ["Group", (piece) => piece.group_number], ["Bucket", (piece) => piece.bucket],
    ["Undone", (piece) => (piece.undone >= 1000 ? "1,000 or more" : piece.undone), true],
    ["Oldest", (piece) => ageOf(piece.oldest_at, of.at)],
  ]} />`;

const Workers = ({ of }) => html`<${Table} label="Workers" none=${of.workers
  ? "No worker is connected." : "The broker cannot be asked."}
  rows=${(of.workers ?? []).map((worker) => ({ ...worker, key: worker.name }))} columns=${[
    ["Host and process", (worker) => html`<code>${worker.name}</code>`],
    ["State", () => html`<${Badge} kind="good">alive<//>`],
    ["For", (worker) => ago(worker.since, of.at)],
  ]} />`;

const Letters = ({ rows, reload }) => html`<${Table} label="Dead letters" rows=${rows}
  none="No dead letters." columns=${[
    ["Recorded", (letter) => instant(letter.recorded_at)],
    ["Kind", (letter) => html`<code>${letter.kind}</code>`],
    ["Group", (letter) => letter.group_number],
    ["User", (letter) => html`<${UserLink} id=${letter.user_id} />`],
    ["Last error", (letter) => html`<${LastError} text=${letter.error} />`],
    ["", (letter) => html`<${Act} label="Requeue" done="Requeued. A worker was told."
      title=${`Requeue ${letter.kind} of ${letter.user_id ? `user ${letter.user_id}` : "the engine"}`}
      run=${async (reason) => {
        await send(`/dead-letters/${letter.bucket}/${letter.id}/requeue`, { reason });
        reload();
      }} />`],
  ]} />`;

function LastError({ text }) {
  const lines = (text ?? "–").trim().split("\n");
  if (lines.length < 2) return html`<code>${lines[0]}</code>`;
  return html`<details><summary><code>${lines.at(-1)}</code></summary><pre>${text}</pre></details>`;
}
