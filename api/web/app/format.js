// Numbers, times and names in the user's language.

import { now } from "./api.js";
import { language, t } from "./texts.js";

const cache = new Map();
function formatter(Kind, options) {
  const name = `${Kind.name}${language()}${JSON.stringify(options)}`;
  // Western digits in both languages: coins are compared with what others show.
  const locale = language() === "ar" ? "ar-u-nu-latn" : "en";
  if (!cache.has(name)) cache.set(name, new Kind(locale, options));
  return cache.get(name);
}

/** "12.345678" as shown: grouped, without needless zeros; never more than there is. */
export function amount(text, digits = 6) {
  const whole = 10 ** digits;
  const shown = Math.trunc(Number(text) * whole + 1e-4) / whole;
  return formatter(Intl.NumberFormat, { maximumFractionDigits: digits }).format(shown);
}

export function time(instant) {
  return formatter(Intl.DateTimeFormat, { timeStyle: "short" }).format(new Date(instant));
}

export function dateTime(instant) {
  const options = { dateStyle: "medium", timeStyle: "short" };
  return formatter(Intl.DateTimeFormat, options).format(new Date(instant));
}

/** How long until an instant: "1:02:03", "02:03". */
export function countdown(instant) {
  const left = Math.max(0, Math.ceil((Date.parse(instant) - now()) / 1000));
  return clock(left);
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts.map((part) => String(part).padStart(2, "0"));
  return parts[0] ? `${parts[0]}:${shown[1]}:${shown[2]}` : `${shown[1]}:${shown[2]}`;
}

/** Today's or tomorrow's local times of "HH:MM[:SS]" in UTC, the next ones first. */
export function upcoming(schedule, count) {
  const day = 86_400_000;
  const midnight = Math.floor(now() / day) * day;
  const instants = schedule.flatMap((at) => {
    const [hours, minutes, seconds = 0] = at.split(":").map(Number);
    const first = midnight + ((hours * 60 + minutes) * 60 + seconds) * 1000;
    return [first, first + day];
  });
  return instants.filter((at) => at > now()).sort((a, b) => a - b).slice(0, count).map(time);
}

/** The name of a country; its code where the browser knows no names. */
export function country(code) {
  try {
    return formatter(Intl.DisplayNames, { type: "region", fallback: "code" }).of(code);
  } catch {
    return code;
  }
}

// The first that fits: browsers name each other, and phones the desktops they are like.
const BROWSERS = [["Edg", "Edge"], ["OPR", "Opera"], ["SamsungBrowser", "Samsung Internet"],
  ["FxiOS", "Firefox"], ["Firefox", "Firefox"], ["CriOS", "Chrome"], ["Chrome", "Chrome"],
  ["Safari", "Safari"]];
const SYSTEMS = [["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"],
  ["Windows", "Windows"], ["CrOS", "ChromeOS"], ["Macintosh", "Mac"], ["Linux", "Linux"]];

/** What a device may be called, of what it calls itself. */
export function deviceOf(userAgent) {
  const named = (names) => (names.find(([sign]) => (userAgent ?? "").includes(sign)) ?? [])[1];
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)];
  if (browser && system) return t("device.on", { browser, system });
  const program = /^[\w .-]{1,30}/.exec(userAgent ?? "");
  return browser ?? system ?? (program ? program[0] : t("device.unknown"));
}

/** What a refusal says, in the user's language where we have it, and what to do next. */
export function worded(problem) {
  const slug = (problem.type ?? "").replace("urn:twtc:problem:", "") || "internal";
  const name = `problem.${(problem.reason ?? slug).toLowerCase().replace(/_/g, "-")}`;
  const text = t(name);
  const at = problem.opens_at ?? problem.retry_at;
  const when = at ? ` ${t("try.at", { time: time(at) })}` : "";
  return (text === name ? problem.detail ?? t("problem.internal") : text) + when;
}
