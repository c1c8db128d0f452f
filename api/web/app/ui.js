// Small parts that several views are made of.

import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { isPassing, Late, now, recall, Refused, remember } from "./api.js";
import { clock, dateTime, upcoming, worded } from "./format.js";
import { Offline, reached } from "./network.js";
import { t } from "./texts.js";

/** Draw again every so often. */
export function useTick(ms = 1000) {
  const [, set] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => set((n) => n + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

/** What is told once the server is there again, or somebody asks to try again. */
export const BACK = "twtc-back";

/** Something that is loaded: [value, error, reload]. */
export function useLoaded(load, keys = []) {
  const [state, set] = useState([null, null]);
  const [turn, again] = useState(0);
  const isUnderWay = useRef(false);
  const reload = () => again((n) => n + 1);
  useEffect(() => {
    let isWanted = true;
    const end = (next) => {
      if (!isWanted) return;
      isUnderWay.current = false;
      set(next);
    };
    isUnderWay.current = true;
    load(turn).then((value) => end([value, null]), (error) => end((before) => [before[0], error]));
    return () => { isWanted = false; };
  }, [...keys, turn]);
  useEffect(() => {
    if (!(state[1] instanceof Offline)) return undefined;
    const back = () => { if (!isUnderWay.current) reload(); };
    window.addEventListener(BACK, back);
    return () => window.removeEventListener(BACK, back);
  }, [state[1]]);
  return [state[0], state[1], reload];
}

/** The same, and kept: without an answer the last one, [value, error, reload, when it came]. */
export function useKept(name, load, keys = []) {
  const [loaded, error, reload] = useLoaded(() => load().then((value) => {
    remember(name, value);
    return { value, at: now() };
  }), keys);
  const last = loaded ?? recall(name);
  const isLast = error !== null || !loaded;
  const shown = last && isPassing(error) ? null : error;
  return [last && last.value, shown, reload, isLast && last ? last.at : null];
}

/** An action with its state: {run, isBusy, error, note}. */
export function useAction(action) {
  const [state, set] = useState({ isBusy: false, error: null, note: null });
  const alive = useRef(true);
  useEffect(() => () => { alive.current = false; }, []);
  const update = (next) => alive.current && set(next);
  const run = async (...args) => {
    update({ isBusy: true, error: null, note: null });
    try {
      const tell = (note) => update({ isBusy: true, error: null, note });
      const value = await action(...args, tell);
      update({ isBusy: false, error: null, note: null });
      return value;
    } catch (error) {
      update({ isBusy: false, error, note: null });
      return undefined;
    }
  };
  return { run, ...state };
}

export function Problem({ error }) {
  if (!error) return null;
  let text = t("fault", { what: String(error) });
  if (error instanceof Offline) text = t("offline.retry");
  else if (error instanceof Late) text = t("late");
  else if (error instanceof Refused) text = worded(error.problem);
  return html`<p class="problem" role="alert">${text}</p>`;
}

/** In place of what is not there: it is on its way, or why it did not come and a way to ask again. */
export function Missing({ error, again }) {
  if (!error) return html`<${Loading} />`;
  return html`<div class="card"><${Problem} error=${error} />
    <button type="button" class="button" onClick=${again}>${t("retry")}</button></div>`;
}

/** A part that is loaded when it is wanted. Browsers remember that it did not come: it gets a new name. */
export function Later({ load, name, ...rest }) {
  const [part, error, again] = useLoaded((turn) => reached(load(turn ? `?${turn}` : "")));
  return part ? html`<${part[name]} ...${rest} />` : html`<${Missing} error=${error} again=${again} />`;
}

/** Since when nothing was heard of what is shown. */
export function AsOf({ at }) {
  return at === null ? null : html`<p class="quiet as-of">${t("asof", { time: dateTime(at) })}</p>`;
}

/** What an action waits for. */
export function Note({ note }) {
  return note ? html`<p class="note" role="status">${t(`note.${note}`)}</p>` : null;
}

export function Button({ action, children, kind = "primary", disabled = false, ...rest }) {
  return html`<button type="button" class="button ${kind}" disabled=${disabled || action?.isBusy}
    aria-busy=${action?.isBusy ? "true" : "false"} onClick=${() => action?.run()} ...${rest}>
    ${children}</button>`;
}

export function Bar({ value, max, label }) {
  const shown = Math.min(max, Math.max(0, value));
  return html`<div class="bar" role="progressbar" aria-label=${label} aria-valuemin="0"
    aria-valuemax=${Math.round(max)} aria-valuenow=${Math.round(shown)}>
    <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      <rect width=${(100 * shown) / (max || 1)} height="1" /></svg></div>`;
}

/** Something over everything else, with the focus in it. Without `close` it cannot be left. */
export function Sheet({ title, close, children }) {
  const box = useRef();
  const cancel = (event) => {
    event.preventDefault();
    if (close) close();
  };
  useEffect(() => {
    const before = document.activeElement;
    const leave = box.current.showModal ? box.current.showModal() : showOver(box.current);
    return () => {
      if (leave) leave();
      if (before && before.focus) before.focus();
    };
  }, []);
  const press = (event) => {
    if (event.key === "Escape" && !box.current.showModal) cancel(event);
  };
  return html`<dialog ref=${box} class="sheet" aria-label=${title} onCancel=${cancel}
    onKeyDown=${press}>
    <header><h2>${title}</h2>${close && html`<button type="button" class="icon" onClick=${close}
      aria-label=${t("close")}>✕</button>`}</header>
    ${children}</dialog>`;
}

/** What showModal does, for browsers without it: over the page, and the focus stays inside. */
function showOver(box) {
  box.setAttribute("open", "");
  box.setAttribute("role", "dialog");
  box.setAttribute("aria-modal", "true");
  box.setAttribute("tabindex", "-1");
  box.classList.add("over");
  const keep = ({ target }) => { if (!box.contains(target)) box.focus(); };
  document.addEventListener("focusin", keep);
  box.focus();
  return () => document.removeEventListener("focusin", keep);
}

/** The next windows of a group, each on one line. */
export function Hours({ schedule }) {
  return upcoming(schedule, 6).map((at, n, all) => html`<span class="hour" key=${at}>${at}${
    n + 1 < all.length && " ·"}</span>`);
}

export function Loading() {
  return html`<p class="quiet" role="status">${t("loading")}</p>`;
}

/** Seconds that run down in a ring. */
export function Seconds({ left, of }) {
  return html`<p class="seconds" aria-hidden="true">${clock(left)}</p>
    <${Bar} value=${of - left} max=${of} label=${t("progress")} />`;
}
