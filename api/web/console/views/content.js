// What people watch, read and are asked, and the kinds of tasks: lists, and a form for one row.

import { html, useState } from "../html.js";
import { Badge, Choice, Field, Problem, Table, Tabs, admin, coins, may, say, send, useLoaded, words }
  from "../parts.js";
import { FORMS, read, write } from "../forms.js";

const MICRO = 1e6;
const shown = ["State", (row) => (row.is_active ? html`<${Badge} kind="good">shown<//>`
  : html`<${Badge}>off<//> ${row.inactive_because}`)];
const where = ["Country", (row) => row.country];
const about = ["About", (row) => words(row.category)];

// By kind: title, what one is called, key of a row, columns, the lowest role that writes.
const KINDS = {
  videos: ["Videos", "a video", (row) => `${row.provider}:${row.provider_id}`, [
    ["Title", (row) => html`<b>${row.title}</b><br /><small>${row.channel}</small>`], where, about,
    ["Seconds", (row) => row.duration_seconds ?? "not known yet", true],
    ["Boost", (row) => `${row.boost_percent} %`, true],
    ["Questions", (row) => html`${row.question_count} <a href=${
      `#/content/questions/new/${encodeURIComponent(row.key)}`} aria-label=${
      `Add a question to ${row.key}`}>Add</a>`, true], shown], "admin"],
  articles: ["Articles", "an article", (row) => row.slug, [
    ["Title", (row) => html`<b>${row.title.en}</b><br /><small lang="ar" dir="rtl">${row.title.ar}</small>`],
    where, about, shown], "admin"],
  questions: ["Questions", "a question", (row) => row.key, [
    ["Question", (row) => html`<b>${row.text.en}</b><br /><small>${row.options.en[row.correct_index]}</small>`],
    ["Of", (row) => html`<code>${row.video_id ?? row.article_slug ?? "the world"}</code>`],
    ["Difficulty", (row) => words(row.difficulty)], shown], "admin"],
  "task-types": ["Kinds of tasks", "a kind of task", (row) => String(row.id), [
    ["Name", (row) => html`<b>${row.name}</b><br /><small>${row.description.en}</small>`],
    ["Category", (row) => words(row.category)],
    ["Reward, TWTC", (row) => coins(row.reward_micro / MICRO), true],
    ["Checked by", (row) => html`<code>${row.validation_rule}</code>`], shown], "superadmin"],
};

export function Content({ rest, role }) {
  const kind = rest[0] in KINDS ? rest[0] : "videos";
  return html`<${Kind} key=${kind} kind=${kind} wanted=${rest[1]} of=${rest[2]} role=${role} />`;
}

/** Rows of a kind; of videos with how many questions each may be asked. */
async function load(kind) {
  const found = await admin(`/content/${kind}`);
  if (kind !== "videos") return found;
  const asked = (await admin("/content/questions")).filter((question) => question.is_active);
  return found.map((row) => ({ ...row, question_count:
    asked.filter(({ video_id: id }) => id === `${row.provider}:${row.provider_id}`).length }));
}

function Kind({ kind, wanted, of, role }) {
  const { value, error, reload } = useLoaded(() => load(kind));
  const [title, one, keyOf, columns, lowest] = KINDS[kind];
  const canWrite = may(role, lowest);
  if (wanted && canWrite && value) {
    const row = value.find((known) => keyOf(known) === wanted);
    return html`<${Row} key=${wanted} kind=${kind} one=${one} row=${row} of=${of}
      reload=${reload} ids=${value.map((known) => known.id)} />`;
  }
  return html`<h1>Content</h1>
    <p class="lead">Nothing is deleted: what somebody was shown must stay explainable. What is not
      wanted any more is switched off. What a boost or a task pays takes two people: a change of it is
      proposed, and waits under <a href="#/adjustments">Adjustments</a>.</p>
    <${Tabs} label="Kinds" at=${kind} tabs=${Object.entries(KINDS).map(([name, [text]]) => (
      [name, text, `#/content/${name}`]))} />
    <${Problem} error=${error} />
    <${Rows} kind=${kind} title=${title} one=${one} rows=${value} keyOf=${keyOf}
      columns=${columns} canWrite=${canWrite} />`;
}

function Rows({ kind, title, one, rows, keyOf, columns, canWrite }) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const found = rows?.filter((row) => !wanted || JSON.stringify(row).toLowerCase().includes(wanted))
    .map((row) => ({ ...row, key: keyOf(row) }));
  const edit = ["", (row) => html`<a class="button" aria-label=${`Change ${row.key}`}
    href=${`#/content/${kind}/${encodeURIComponent(row.key)}`}>Change</a>`];
  return html`<form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="Filter" type="search" value=${text} class="wide"
        onInput=${(event) => setText(event.target.value)} />
      ${canWrite ? html`<a class="button primary" href=${`#/content/${kind}/new`}>Add ${one}</a>`
        : html`<p class="quiet">What a task pays is a superadmin's.</p>`}
      ${rows && html`<p class="quiet" role="status">${found.length} of ${rows.length}</p>`}</form>
    <${Table} label=${title} rows=${found} columns=${canWrite ? [...columns, edit] : columns} />`;
}

function Row({ kind, one, row, of, ids, reload }) {
  const [state, set] = useState({ error: null, isBusy: false });
  const { initial, fields, keys } = FORMS[kind];
  const values = write(row ?? { ...initial, video_id: of,
    id: Math.max(0, ...ids.filter(Number.isInteger)) + 1 });
  const submit = async (event) => {
    event.preventDefault();
    const { reason, ...given } = Object.fromEntries(new FormData(event.target));
    set({ error: null, isBusy: true });
    try {
      const made = await send(`/content/${kind}`, { row: read(fields, given), reason }, "PUT");
      const done = row ? "Changed." : "Added.";
      say(made ? "Proposed: it is about pay, so a colleague has to approve it." : done);
      reload();
      location.hash = `#/content/${kind}`;
    } catch (error) {
      set({ error, isBusy: false });
    }
  };
  return html`<p><a href=${`#/content/${kind}`}>${KINDS[kind][0]}</a></p>
    <h1>${row ? `Change ${one}` : `Add ${one}`}</h1>
    <form class="sheet" onSubmit=${submit}><div class="two">${fields.map((field) => html`
        <${Input} key=${field.name} field=${field} value=${values[field.name]}
          isFixed=${Boolean(row) && keys.includes(field.name)} />`)}</div>
      <${Field} label="Reason" name="reason" required minlength="3" maxlength="500" autocomplete="off"
        hint="Kept in the trail." />
      <${Problem} error=${state.error} />
      <p class="bar"><button class="button primary" disabled=${state.isBusy}>${row ? "Change" : "Add"}
        </button><a class="button" href=${`#/content/${kind}`}>Cancel</a></p></form>`;
}

function Input({ field: { name, label, options, long, attributes, ...more }, value, isFixed }) {
  const arabic = /\.ar(\.|$)/.test(name) ? { lang: "ar", dir: "rtl" } : {};
  if (options) {
    return html`<${Choice} label=${label} name=${name} options=${isFixed ? [value] : options}
      defaultValue=${value} />`;
  }
  if (long) {
    return html`<label class="whole">${label}<textarea name=${name} required maxlength="10000"
      defaultValue=${value} ...${arabic} /></label>`;
  }
  return html`<${Field} label=${label} name=${name} type=${more.type === "number" ? "number" : "text"}
    defaultValue=${value} required=${!more.isOptional} readonly=${isFixed || more.isTold} autocomplete="off"
    hint=${more.hint} ...${arabic} ...${attributes} />`;
}
