// Forms: Enter sends them, and what is wrong with a field is said at that field.

import { createContext, html, useContext, useEffect, useRef, useState } from "./vendor/preact.js";
import { Refused } from "./api.js";
import { worded } from "./format.js";
import { t } from "./texts.js";
import { Note, Problem } from "./ui.js";

// What is wrong, by the name of the field or of what the API calls it; and which names there are.
const Wrong = createContext({ wrong: {}, names: new Set() });

// Refusals that are about one field, and the names that it may have.
const ABOUT = {
  "password-weak": ["new_password", "password"],
  "password-wrong": ["password"],
  "code-wrong": ["code"],
  "codes-used-up": ["code"],
  "captcha-wrong": ["answer"],
  "address-disposable": ["email"],
  "address-unreachable": ["email"],
  "domain-limited": ["email"],
  "second-factor-needed": ["code"],
};

/** A form that does an action. `more` stands below its button. */
export function Form({ action, button, more, kind = "primary", children, ...rest }) {
  const form = useRef();
  const names = useRef(new Set()).current;
  const [unfit, setUnfit] = useState({});
  const refused = reasons(action.error, names);
  const isAtField = refused !== null && Object.keys(refused).every((name) => names.has(name));
  const wrong = { ...(isAtField ? refused : {}), ...unfit };
  useEffect(() => {
    const first = form.current.querySelector("[aria-invalid=true]");
    if (first) first.focus();
  }, [action.error, unfit]);
  const send = (event) => {
    event.preventDefault();
    const found = unfitOf(form.current);
    setUnfit(found);
    if (Object.keys(found).length === 0 && !action.isBusy) action.run();
  };
  return html`<form ref=${form} noValidate onSubmit=${send} ...${rest}>
    <${Wrong.Provider} value=${{ wrong, names }}>${children}<//>
    <${Problem} error=${isAtField ? null : action.error} /><${Note} note=${action.note} />
    <button class="button ${kind}" disabled=${action.isBusy}
      aria-busy=${action.isBusy ? "true" : "false"}>${button}</button>
    ${more}</form>`;
}

/** What the server says of fields, by their names; null if it is about none. */
function reasons(error, names) {
  if (!(error instanceof Refused)) return null;
  const about = (ABOUT[error.slug] ?? []).find((name) => names.has(name));
  if (about) return { [about]: worded(error.problem) };
  const said = (error.problem.errors ?? []).filter(({ key }) => key);
  return said.length ? Object.fromEntries(said.map((one) => [one.key, why(one)])) : null;
}

function why({ key, message }) {
  if (ofName(key)) return ofName(key);
  const [, least] = /length >= (\d+)/.exec(message) ?? [];
  const [, most] = /length <= (\d+)/.exec(message) ?? [];
  if (least) return t(least === "1" ? "wrong.needed" : "wrong.short", { count: least });
  if (most) return t("wrong.long", { count: most });
  return t("wrong.other");
}

const ofName = (name) => {
  const text = t(`wrong.${name}`);
  return text === `wrong.${name}` ? null : text;
};

/** What can be seen without asking the server. */
function unfitOf(form) {
  const unfit = [...form.elements].filter((one) => one.willValidate && !one.checkValidity());
  return Object.fromEntries(unfit.map((one) => {
    if (one.validity.valueMissing) return [one.name, t("wrong.needed")];
    if (one.validity.tooShort) return [one.name, t("wrong.short", { count: one.minLength })];
    return [one.name, ofName(one.name) ?? t("wrong.other")];
  }));
}

let fields = 0;

/** A field, `as` an input or a select. `keys`: what the API calls it, if not by its name. */
export function Field({ as = "input", label, hint, name, keys, children, ...rest }) {
  const { wrong, names } = useContext(Wrong);
  const [id] = useState(() => `field-${fields += 1}`);
  const all = [name, ...(keys ?? [])];
  useEffect(() => {
    all.forEach((one) => names.add(one));
    return () => all.forEach((one) => names.delete(one));
  }, [name]);
  const said = wrong[all.find((one) => wrong[one])];
  const told = [hint && `${id}-hint`, said && `${id}-wrong`].filter(Boolean).join(" ");
  return html`<div class="field"><label for=${id}>${label}</label>
    <${as} id=${id} name=${name} aria-invalid=${said ? "true" : null}
      aria-describedby=${told || null} ...${rest}>${children}<//>
    ${hint && html`<small id="${id}-hint">${hint}</small>`}
    ${said && html`<small id="${id}-wrong" class="wrong" role="alert">${said}</small>`}</div>`;
}
