// The twenty tasks of the day, and doing one of them.

import { html, useEffect, useState } from "../vendor/preact.js";
import { act, get } from "../api.js";
import { amount, countdown } from "../format.js";
import { Field, Form } from "../forms.js";
import { Icon } from "../icons.js";
import { pick, t } from "../texts.js";
import {
  AsOf, Bar, Button, Missing, Note, Problem, Sheet, useAction, useKept, useLoaded, useTick,
} from "../ui.js";
import { AdBreak } from "./ad.js";
import { Question } from "./watch.js";

const READ_SECONDS = 20;

export function Tasks({ refresh, asOf, isIn }) {
  useTick(1000);
  const [day, error, reload, keptAt] = useKept("tasks", () => get("/v1/tasks/today"));
  const [open, setOpen] = useState(null);
  if (!day) return html`<${Missing} error=${error} again=${reload} />`;
  const over = () => {
    setOpen(null);
    reload();
    refresh();
  };
  const waves = [...new Set(day.tasks.map((task) => task.wave))];
  return html`<section>
    <h1>${t("tasks.title")}</h1>
    ${asOf === null && html`<${AsOf} at=${keptAt} />`}<${Problem} error=${error} />
    <p>${t("tasks.count", { done: day.completed_count, all: day.tasks.length })}${" · "}
      ${t("tasks.bonus", { amount: amount(day.bonus) })}</p>
    <${Bar} value=${day.completed_count} max=${day.tasks.length} label=${t("progress")} />
    <p class="quiet">${t("tasks.reset", { time: countdown(day.resets_at) })}</p>
    ${waves.map((wave) => html`<h2>${t("tasks.wave", { number: wave + 1 })}</h2>
      <ul class="tasks">${day.tasks.filter((task) => task.wave === wave).map((task) => html`
        <${Row} task=${task} key=${task.number} isIn=${isIn} open=${setOpen} />`)}</ul>`)}
    ${open && html`<${Doing} task=${open} close=${over} />`}
  </section>`;
}

function Row({ task, isIn, open }) {
  const canOpen = isIn && (task.status === "AVAILABLE" || task.status === "STARTED");
  return html`<li class=${`task ${task.status.toLowerCase()}`}>
    <button type="button" disabled=${!canOpen} onClick=${() => open(task)}>
      <span class="icon"><${Icon} name=${task.category} /></span>
      <span class="what"><strong>${pick(task.description)}</strong>
        <small>${t(`category.${task.category}`)} · ${task.status === "LOCKED"
          ? t("task.opens", { wave: task.wave }) : t(`status.${task.status}`)}</small></span>
      ${task.status === "LOCKED" && html`<${Icon} name="lock" />`}
      <span class="badge" dir="ltr">+${amount(task.reward)}</span>
    </button></li>`;
}

function Doing({ task, close }) {
  const [begun, setBegun] = useState(null);
  const begin = useAction(async (tell) => {
    setBegun(await act(`/v1/tasks/${task.number}/started`, {}, tell));
  });
  useEffect(() => { begin.run(); }, []);
  if (begun?.ad) {
    return html`<${AdBreak} ad=${begun.ad} close=${close} paid="ad.paid"
      check=${() => isCompleted(task.number)} />`;
  }
  return html`<${Sheet} title=${pick(task.description)} close=${close}>
    <${Note} note=${begin.note} /><${Problem} error=${begin.error} />
    ${begin.error && html`<${Button} action=${begin}>${t("retry")}<//>`}
    ${begun && task.category === "CONTENT" && html`<${Reading} task=${task} close=${close} />`}
    ${begun && task.category === "QUIZ" && html`<${Quiz} task=${task} begun=${begun}
      close=${close} />`}
    ${begun && task.category === "SOCIAL" && html`<${Social} task=${task} close=${close} />`}
  <//>`;
}

async function isCompleted(number) {
  const day = await get("/v1/tasks/today");
  return day.tasks.find((task) => task.number === number).status === "COMPLETED";
}

function Paid({ result, close }) {
  return html`<p class="good" role="status" id="task-paid">
    ${t(result.bonus ? "task.bonus" : "task.paid", { amount: amount(result.reward) })}</p>
    <button type="button" class="button primary" onClick=${close}>${t("done")}</button>`;
}

function Reading({ task, close }) {
  const [began] = useState(() => performance.now());
  const [article, error] = useLoaded(() => get(`/v1/articles/${task.article}`));
  useTick(1000);
  const left = Math.ceil(READ_SECONDS + 1 - (performance.now() - began) / 1000);
  const finish = useAction((tell) => act(`/v1/tasks/${task.number}/completed`, {}, tell));
  const [result, setResult] = useState(null);
  if (result) return html`<${Paid} result=${result} close=${close} />`;
  const done = { ...finish, run: async () => setResult((await finish.run()) ?? null) };
  return html`<article dir="auto"><h3>${pick(article?.title)}</h3><p>${pick(article?.body)}</p></article>
    <${Problem} error=${error ?? finish.error} /><${Note} note=${finish.note} />
    <${Button} action=${done} disabled=${left > 0 || !article}>
      ${left > 0 ? t("task.read.wait", { seconds: left }) : t("task.read")}<//>`;
}

function Quiz({ task, begun, close }) {
  const [question, setQuestion] = useState(begun.question);
  const [said, setSaid] = useState(null);
  const [result, setResult] = useState(null);
  const answer = useAction(async (option, tell) => {
    const found = await act(`/v1/tasks/${task.number}/answer`, { option }, tell);
    if (found.is_correct === false) {
      setSaid(t(found.question ? "task.wrong" : "task.failed"));
      setQuestion(found.question ?? null);
    } else setResult(found);
  });
  if (result) return html`<${Paid} result=${result} close=${close} />`;
  return html`${said && html`<p class="note" role="status">${said}</p>`}
    ${question
      ? html`<${Question} question=${question} answer=${answer} />`
      : html`<button type="button" class="button primary" onClick=${close}>${t("done")}</button>`}
    <${Note} note=${answer.note} /><${Problem} error=${answer.error} />`;
}

function Social({ task, close }) {
  const [proof, setProof] = useState("");
  const [isSent, setSent] = useState(false);
  const submit = useAction(async (tell) => {
    await act(`/v1/tasks/${task.number}/completed`, { proof }, tell);
    setSent(true);
  });
  if (isSent) {
    return html`<p class="good" role="status">${t("task.submitted")}</p>
      <button type="button" class="button primary" onClick=${close}>${t("done")}</button>`;
  }
  return html`<${Form} action=${submit} button=${t("task.submit")}>
    <${Field} label=${t("task.proof")} name="proof" value=${proof} maxlength="500" required
      onInput=${(event) => setProof(event.target.value)} /><//>`;
}
