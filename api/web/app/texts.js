// What the app says, in the user's language.

import { en } from "./texts-en.js";
import { ar } from "./texts-ar.js";
import { read, write } from "./store.js";

const LANGUAGE = "twtc.language";
const known = { en, ar };

function initial() {
  const chosen = read(LANGUAGE);
  if (chosen in known) return chosen;
  return navigator.languages?.some((name) => name.startsWith("ar")) ? "ar" : "en";
}

let current = initial();

export const language = () => current;

export function setLanguage(name) {
  current = name in known ? name : "en";
  write(LANGUAGE, current);
  applyLanguage();
}

export function applyLanguage() {
  document.documentElement.lang = current;
  document.documentElement.dir = current === "ar" ? "rtl" : "ltr";
  document.title = t("app.title");
}

/** A text with its {values}; the name itself if there is none. */
export function t(name, values = {}) {
  const text = known[current][name] ?? en[name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

/** Of texts by language, the one to show. */
export const pick = (texts) => texts?.[current] ?? texts?.en ?? "";
