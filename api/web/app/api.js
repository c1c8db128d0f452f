// Requests: signed, renewed, and repeated safely. Every action carries its key until it is done.

import { limited, Offline, reached } from "./network.js";
import { erase, read, write } from "./store.js";

const PENDING = "twtc.pending";
const DEVICE = "twtc.device";
const LAST = "twtc.last";
const ANSWER_MS_MAX = 20_000;
const WAIT_SECONDS = 8;
const GIVE_UP_MS = 120_000;
const KEPT_MS = 15 * 60_000;

let accessToken = null;
let clockOffset = 0;
let refreshing = null;
const underWay = new Set();
let onSignedOut = () => {};
let onReached = () => {};

/** A refusal or error as the server words it (RFC 9457). */
export class Refused extends Error {
  constructor(problem, status) {
    super(problem.detail ?? problem.title ?? "");
    this.problem = problem;
    this.status = status;
    this.slug = (problem.type ?? "").replace("urn:twtc:problem:", "");
  }
}

/** It is recorded, and nobody has applied it yet. */
export class Late extends Error {}

/** Whether the same may be had a moment later: nobody answered, or the server was busy. */
export const isPassing = (error) => error instanceof Offline
  || (error instanceof Refused && (error.status >= 500 || error.status === 429));

export const now = () => Date.now() + clockOffset;
export const isSignedIn = () => accessToken !== null;
export const bearer = () => `Bearer ${accessToken}`;
/** `reached` hears after each request: "online", "busy" or "offline". */
export const hear = (signedOut, reached) => { onSignedOut = signedOut; onReached = reached; };

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function send(method, path, { body, headers = {} } = {}) {
  const sent = { ...headers };
  const device = read(DEVICE);
  if (accessToken) sent.Authorization = bearer();
  if (accessToken && device) sent["Device-Token"] = device;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const asked = new Request(path, {
    method,
    headers: sent,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
  });
  const limit = limited(ANSWER_MS_MAX);
  let answer;
  let text;
  try {
    answer = await reached(fetch(asked, { signal: limit.signal }));
    text = await reached(answer.text());
  } catch (error) {
    onReached("offline");
    throw error;
  } finally {
    limit.done();
  }
  onReached(answer.status < 500 ? "online" : "busy");
  const date = Date.parse(answer.headers.get("Date") ?? "");
  if (Math.abs(date - now()) > 2_000) clockOffset = date - Date.now();
  return { status: answer.status, isOk: answer.ok, text };
}

function content({ status, isOk, text }) {
  if (isOk) return text ? JSON.parse(text) : null;
  let problem;
  try {
    problem = JSON.parse(text);
  } catch {
    problem = { detail: text }; // of a proxy in between
  }
  throw new Refused(problem ?? {}, status);
}

/** Ask once; with an expired token, once more with a new one. */
export async function request(method, path, options = {}) {
  let answer = await send(method, path, options);
  if (answer.status === 401 && accessToken) {
    await renew();
    answer = await send(method, path, options);
  }
  return content(answer);
}

export const get = (path, options) => request("GET", path, options);
export const post = (path, body = {}, options = {}) => request("POST", path, { ...options, body });

/** Renew the tokens by the cookie that only the server reads. */
export function renew() {
  if (!refreshing) {
    refreshing = (async () => {
      try {
        const answer = await send("POST", "/v1/auth/refresh", { body: {} });
        if (answer.status === 401) leave();
        accessToken = content(answer).access_token;
      } finally {
        refreshing = null;
      }
    })();
  }
  return refreshing;
}

export function keep(tokens) {
  accessToken = tokens.access_token;
}

export async function signOut() {
  try {
    await send("POST", "/v1/auth/logout", { body: {} });
  } catch (error) {
    if (!isPassing(error)) throw error;
  } finally {
    leave();
  }
}

/** Nothing of this member's stays for the next one. */
function leave() {
  accessToken = null;
  [PENDING, DEVICE, LAST].forEach(erase);
  onSignedOut();
}

/** The last answer of a name, with when it came: {value, at}; null if there is none. */
export function recall(name) {
  try {
    return JSON.parse(read(LAST) ?? "{}")[name] ?? null;
  } catch {
    return null;
  }
}

/** Keep an answer for when nobody answers, until this member signs out. */
export function remember(name, value) {
  if (!accessToken) return;
  const last = JSON.parse(read(LAST) ?? "{}");
  write(LAST, JSON.stringify({ ...last, [name]: { value, at: now() } }));
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const readPending = () => JSON.parse(read(PENDING) ?? "{}");
function writePending(change) {
  const pending = readPending();
  change(pending);
  write(PENDING, JSON.stringify(pending));
}

/**
 * Do something that counts: recorded once, whatever happens on the way, and followed to its outcome.
 * `tell` hears "waiting" when it is recorded and not yet applied, "offline" when nobody answers.
 * Return the result; throw Refused with the reason.
 */
export async function act(path, body = {}, tell = () => {}) {
  const key = keyOf(path, body) ?? newKey();
  writePending((pending) => { pending[key] = pending[key] ?? { path, body, at: Date.now() }; });
  return follow(key, path, body, tell);
}

/** The key of the same wish, if it was sent before and its outcome is not known yet. */
function keyOf(path, body) {
  const wish = JSON.stringify([path, body]);
  const same = ([, kept]) => JSON.stringify([kept.path, kept.body]) === wish;
  return Object.entries(readPending()).find(same)?.[0];
}

/**
 * What was under way when the app was closed: sent again, with the same key. Throw what was wrong
 * with it, unless it is only that nobody answers.
 */
export async function resume() {
  const left = Object.entries(readPending()).filter(([key]) => !underWay.has(key));
  const all = left.map(async ([key, { path, body, at }]) => {
    if (Date.now() - at > KEPT_MS) writePending((pending) => { delete pending[key]; });
    else await follow(key, path, body, () => {});
  });
  const wrong = (await Promise.allSettled(all))
    .find(({ reason }) => reason && !(reason instanceof Offline));
  if (wrong) throw wrong.reason;
}

async function follow(key, ...wish) {
  underWay.add(key);
  try {
    return await toOutcome(key, ...wish);
  } finally {
    underWay.delete(key);
  }
}

async function toOutcome(key, path, body, tell) {
  const headers = { "Idempotency-Key": key, Prefer: `wait=${WAIT_SECONDS}` };
  const deadline = Date.now() + GIVE_UP_MS;
  let intent = null;
  for (let wait = 500; ; wait = Math.min(wait * 2, 8_000)) {
    try {
      intent = intent
        ? await get(`/v1/intents/${intent.id}`)
        : await request("POST", path, { body, headers });
      if (intent.status !== "RECORDED") break;
      tell("waiting");
    } catch (error) {
      if (!isPassing(error)) {
        // Only a refusal is an outcome: after a fault it is sent again, with its key.
        if (error instanceof Refused) writePending((pending) => { delete pending[key]; });
        throw error;
      }
      tell(intent || error instanceof Refused ? "waiting" : "offline");
      if (Date.now() > deadline) throw error;
    }
    if (Date.now() > deadline) throw new Late("no outcome yet");
    await pause(wait);
  }
  writePending((pending) => { delete pending[key]; });
  if (intent.status === "APPLIED") return intent.result;
  throw new Refused(intent.problem ?? { type: "urn:twtc:problem:internal" }, 409);
}
