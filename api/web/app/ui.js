// Small parts that several views are made of.

import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { Offline, Refused } from "./api.js";
import { clock, worded } from "./format.js";
import { t } from "./texts.js";

/** Draw again every so often. */
export function useTick(ms = 1000) {
  const [, set] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => set((n) => n + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

/** Something that is loaded: [value, error, reload]. */
export function useLoaded(load, keys = []) {
  const [state, set] = useState([null, null]);
  const [turn, again] = useState(0);
  useEffect(() => {
    let isWanted = true;
    load().then(
      (value) => isWanted && set([value, null]),
      (error) => isWanted && set((before) => [before[0], error]),
    );
    return () => { isWanted = false; };
  }, [...keys, turn]);
  return [state[0], state[1], () => again((n) => n + 1)];
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
  let text = t("problem.internal");
  if (error instanceof Offline) text = t("offline.retry");
  else if (error instanceof Refused) text = worded(error.problem);
  return html`<p class="problem" role="alert">${text}</p>`;
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

export function Field({ label, hint, ...rest }) {
  return html`<label class="field"><span>${label}</span>
    <input ...${rest} />${hint && html`<small>${hint}</small>`}</label>`;
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
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before?.focus?.();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    close?.();
  };
  return html`<dialog ref=${box} class="sheet" aria-label=${title} onCancel=${cancel}>
    <header><h2>${title}</h2>${close && html`<button type="button" class="icon" onClick=${close}
      aria-label=${t("close")}>✕</button>`}</header>
    ${children}</dialog>`;
}

export function Loading() {
  return html`<p class="quiet" role="status">${t("loading")}</p>`;
}

/** Seconds that run down in a ring. */
export function Seconds({ left, of }) {
  return html`<p class="seconds" aria-hidden="true">${clock(left)}</p>
    <${Bar} value=${of - left} max=${of} label=${t("progress")} />`;
}
