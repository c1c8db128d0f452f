// Parts that the console's pages are made of.

import { html, useEffect, useRef, useState } from "./html.js";
import { Refused, bearer, get, renew, request } from "../app/api.js";
import { Offline } from "../app/network.js";

const RANKS = ["user", "vip", "moderator", "admin", "superadmin"];
export const ROLES = RANKS;
export const may = (role, lowest) => RANKS.indexOf(role) >= RANKS.indexOf(lowest);

export const admin = (path) => get(`/v1/admin${path}`);
export const send = (path, body = {}, method = "POST", headers = {}) => (
  request(method, `/v1/admin${path}`, { body, headers }));

/** A path with those of the parameters that have a value. */
export function withQuery(path, params) {
  const given = Object.entries(params).filter(([, value]) => value !== "" && value != null);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/** Save what an address answers as a file; its token travels in a header. */
export async function download(path, name) {
  const ask = () => fetch(`/v1/admin${path}`, { headers: { Authorization: bearer() } });
  let answer = await ask();
  if (answer.status === 401) {
    await renew();
    answer = await ask();
  }
  if (!answer.ok) throw new Refused(await answer.json(), answer.status);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Something that is loaded, again every so often if seconds are given. */
export function useLoaded(load, keys = [], everySeconds = 0) {
  const [state, set] = useState({ value: null, error: null });
  const [turn, again] = useState(0);
  useEffect(() => {
    let isWanted = true;
    const ask = () => load().then(
      (value) => isWanted && set({ value, error: null }),
      (error) => isWanted && set((before) => ({ value: before.value, error })),
    );
    ask();
    const timer = everySeconds
      ? setInterval(() => document.hidden || ask(), everySeconds * 1000) : null;
    return () => {
      isWanted = false;
      clearInterval(timer);
    };
  }, [...keys, turn]);
  return { ...state, reload: () => again((n) => n + 1) };
}

export const instant = (text) => (text ? html`<time datetime=${text}
  title=${new Date(text).toLocaleString()}>${plain(text)}</time>` : "–");
export const plain = (text) => text.slice(0, 19).replace("T", " ");
export const number = (value, digits = 0) => (value === null || value === undefined
  ? "–" : Number(value).toLocaleString("en", { maximumFractionDigits: digits }));
export const money = (value, digits = 2) => `$${Number(value).toLocaleString("en",
  { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
export const coins = (text) => number(text, 6);
export const percent = (value) => (value === null || value === undefined
  ? "–" : `${number(value * 100, 1)} %`);
export const words = (name) => {
  const text = name.replaceAll("_", " ").toLowerCase();
  return text[0].toUpperCase() + text.slice(1);
};

/** How long ago, or how long, in the unit that fits. */
export function ago(from, to) {
  const seconds = Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129_600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

const errorsOf = (problem) => (problem.errors ?? [])
  .map((one) => `${one.key ?? ""} ${one.message ?? ""}`.trim()).join("; ");

export function Problem({ error }) {
  if (!error) return null;
  let text = String(error);
  if (error instanceof Offline) text = "No connection. What you see may be old.";
  else if (error instanceof Refused) {
    const { title = "Refused", detail = "" } = error.problem;
    text = [`${title}: ${detail}`, errorsOf(error.problem)].filter(Boolean).join(" ");
  }
  return html`<p class="problem" role="alert">${text}</p>`;
}

let tell = () => {};
/** Say that something is done. */
export const say = (text) => tell(text);

export function Toast() {
  const [text, set] = useState("");
  useEffect(() => {
    let timer;
    tell = (said) => {
      set(said);
      clearTimeout(timer);
      timer = setTimeout(() => set(""), 6_000);
    };
    return () => { tell = () => {}; };
  }, []);
  return html`<p class="toast" role="status">${text}</p>`;
}

export const Badge = ({ kind = "", children }) => html`<span class=${`badge ${kind}`}>${children}</span>`;
export const UserLink = ({ id }) => (id ? html`<a href=${`#/users/${id}`}>${id}</a>` : "–");

/** Key and value pairs of something that has no form of its own. */
export function Pairs({ of }) {
  const entries = Object.entries(of ?? {});
  if (entries.length === 0) return "–";
  return html`<dl class="pairs">${entries.map(([key, value]) => html`<div key=${key}>
    <dt>${words(key)}</dt><dd>${shown(value)}</dd>
  </div>`)}</dl>`;
}

const shown = (value) => {
  if (Array.isArray(value)) return html`<ul>${value.map((one) => html`<li>${shown(one)}</li>`)}</ul>`;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

/** A table: columns are [title, cell of a row, is it a number]. */
export function Table({ label, columns, rows, none = "Nothing here." }) {
  if (!rows) return html`<p class="quiet">Loading…</p>`;
  if (rows.length === 0) return html`<p class="empty">${none}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table>
    <thead><tr>${columns.map(([title, , isNumber]) => html`<th scope="col" key=${title}
      class=${isNumber ? "number" : null}>${title || html`<span class="hidden">Actions</span>`}</th>`)}
    </tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.id ?? row.key}>${columns.map(([title, cell, isNumber]) => html`
      <td key=${title} class=${isNumber ? "number" : null}>${cell(row)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** A table that is read a page at a time: `load(cursor)` gives {items, next_cursor}. */
export function Paged({ load, keys = [], label, columns, none, turn = 0 }) {
  const [state, set] = useState({ items: null, next: null, error: null });
  const read = async (cursor, before) => {
    try {
      const page = await load(cursor);
      set({ items: [...before, ...page.items], next: page.next_cursor, error: null });
    } catch (error) {
      set((now) => ({ ...now, items: now.items ?? [], error }));
    }
  };
  useEffect(() => { read(null, []); }, [...keys, turn]);
  return html`<${Problem} error=${state.error} />
    ${!(state.error && !state.items.length) && html`
      <${Table} label=${label} columns=${columns} rows=${state.items} none=${none} />`}
    ${state.next && html`<p><button type="button" class="button"
      onClick=${() => read(state.next, state.items)}>Older</button></p>`}`;
}

export function Tabs({ label, at, tabs }) {
  return html`<nav class="tabs" aria-label=${label}>${tabs.map(([name, title, href]) => html`
    <a key=${name} href=${href} aria-current=${name === at ? "page" : null}>${title}</a>`)}</nav>`;
}

export const Tile = ({ title, value, note, kind = "" }) => html`<div class=${`tile ${kind}`}>
  <span>${title}</span><b>${value}</b>${note && html`<small>${note}</small>`}</div>`;

export const Field = ({ label, hint, ...rest }) => html`<label>${label}
  <input ...${rest} />${hint && html`<small>${hint}</small>`}</label>`;

export const Choice = ({ label, options, defaultValue, ...rest }) => html`<label>${label}
  <select ...${rest}>${options.map((one) => {
    const [value, title] = Array.isArray(one) ? one : [one, words(one)];
    return html`<option key=${value} value=${value} selected=${value === defaultValue}>${title}</option>`;
  })}</select></label>`;

/** A dialog over the page, closed by Escape; the focus goes back to where it was. */
export function Dialog({ title, close, children }) {
  const box = useRef();
  useEffect(() => {
    const shown = box.current;
    shown.showModal();
    return () => shown.close();
  }, []);
  return html`<dialog ref=${box} aria-label=${title} onCancel=${(event) => {
    event.preventDefault();
    close();
  }}>${children}</dialog>`;
}

/**
 * A button that asks why before it acts: every change is kept with its reason. `run` gets the
 * reason, and the values of the form's other fields by their names.
 */
export function Act({ label, title = label, run, done, kind = "", text, children, ask = "Reason" }) {
  const [isOpen, setOpen] = useState(false);
  return html`<button type="button" class=${`button ${kind}`} onClick=${() => setOpen(true)}>
    ${label}</button>${isOpen && html`<${Form} title=${title} label=${label} run=${run} done=${done}
      kind=${kind} text=${text} ask=${ask} close=${() => setOpen(false)}>${children}<//>`}`;
}

function Form({ title, label, run, done, kind, text, ask, close, children }) {
  const [state, set] = useState({ error: null, isBusy: false });
  const submit = async (event) => {
    event.preventDefault();
    const { reason, ...values } = Object.fromEntries(new FormData(event.target));
    set({ error: null, isBusy: true });
    try {
      await run(reason.trim(), values);
      if (done) say(done);
      close();
    } catch (error) {
      set({ error, isBusy: false });
    }
  };
  return html`<${Dialog} title=${title} close=${close}><form onSubmit=${submit}><h2>${title}</h2>
    ${text && html`<p>${text}</p>`}${children}
    <${Field} label=${ask} name="reason" required minlength="3" maxlength="500" autofocus=${!children}
      autocomplete="off" hint="Kept in the trail." />
    <${Problem} error=${state.error} />
    <p class="bar"><button class=${`button ${kind || "primary"}`} disabled=${state.isBusy}>
      ${label}</button>
      <button type="button" class="button" onClick=${close}>Cancel</button></p></form><//>`;
}
