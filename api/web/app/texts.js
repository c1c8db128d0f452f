// What the app says, in the user's language.

import { reached } from "./network.js";
import { read, write } from "./store.js";

const LANGUAGE = "twtc.language";
const LANGUAGES = ["en", "ar"];
const known = {};

let current = "en";

export const language = () => current;

/** Learn the language that was chosen here, or else the device's. */
export function speak() {
  const wanted = (navigator.languages ?? []).some((name) => name.startsWith("ar")) ? "ar" : "en";
  const chosen = read(LANGUAGE);
  return load(LANGUAGES.includes(chosen) ? chosen : wanted);
}

/** Speak another language from now on. */
export async function setLanguage(name) {
  await load(LANGUAGES.includes(name) ? name : "en");
  write(LANGUAGE, current);
  applyLanguage();
}

export function applyLanguage() {
  document.documentElement.lang = current;
  document.documentElement.dir = current === "ar" ? "rtl" : "ltr";
  document.title = t("app.title");
}

async function load(name) {
  known[name] = known[name] ?? (await reached(import(`./texts-${name}.js`)))[name];
  current = name;
}

/** A text with its {values}; the name itself if there is none. */
export function t(name, values = {}) {
  const text = current === "ar" ? isolated(known.ar[name] ?? name) : known[current][name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

/** Coins keep their own direction between Arabic words. */
const isolated = (text) => text.replace(/\+?\{\w+\} TWTC/g, "\u2066$&\u2069");

/** Of texts by language, the one to show. */
export const pick = (texts) => texts?.[current] ?? texts?.en ?? "";
