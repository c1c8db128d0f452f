// Requests: signed, renewed, and repeated safely. Every action carries its key until it is done.

const PENDING = "twtc.pending";
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

/** Nobody answered. */
export class Offline extends Error {}

export const now = () => Date.now() + clockOffset;
export const isSignedIn = () => accessToken !== null;
export const bearer = () => `Bearer ${accessToken}`;
/** `reached` hears after each request: "online", "busy" or "offline". */
export const hear = (signedOut, reached) => { onSignedOut = signedOut; onReached = reached; };

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function send(method, path, { body, headers = {} } = {}) {
  const sent = { ...headers };
  const device = localStorage.getItem("twtc.device");
  if (accessToken) sent.Authorization = bearer();
  if (accessToken && device) sent["Device-Token"] = device;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      signal: AbortSignal.timeout(20_000),
    });
  } catch {
    onReached("offline");
    throw new Offline("offline");
  }
  onReached(answer.status < 500 ? "online" : "busy");
  const date = Date.parse(answer.headers.get("Date") ?? "");
  if (Math.abs(date - now()) > 2_000) clockOffset = date - Date.now();
  return answer;
}

async function content(answer) {
  const text = answer.status === 204 || answer.status === 304 ? "" : await answer.text();
  let data = null;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    data = { detail: text };
  }
  if (!answer.ok) throw new Refused(data ?? {}, answer.status);
  return data;
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
  refreshing ??= (async () => {
    try {
      const answer = await send("POST", "/v1/auth/refresh", { body: {} });
      if (answer.status === 401) leave();
      accessToken = (await content(answer)).access_token;
    } finally {
      refreshing = null;
    }
  })();
  return refreshing;
}

export function keep(tokens) {
  accessToken = tokens.access_token;
}

export async function signOut() {
  try {
    await send("POST", "/v1/auth/logout", { body: {} });
  } finally {
    leave();
  }
}

/** Nothing of this member's stays for the next one. */
function leave() {
  accessToken = null;
  localStorage.removeItem(PENDING);
  localStorage.removeItem("twtc.device");
  onSignedOut();
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const readPending = () => JSON.parse(localStorage.getItem(PENDING) ?? "{}");
function writePending(change) {
  const pending = readPending();
  change(pending);
  localStorage.setItem(PENDING, JSON.stringify(pending));
}

/**
 * Do something that counts: recorded once, whatever happens on the way, and followed to its outcome.
 * `tell` hears "waiting" when it is recorded and not yet applied, "offline" when nobody answers.
 * Return the result; throw Refused with the reason.
 */
export async function act(path, body = {}, tell = () => {}) {
  const key = keyOf(path, body) ?? newKey();
  writePending((pending) => { pending[key] ??= { path, body, at: Date.now() }; });
  return follow(key, path, body, tell);
}

/** The key of the same wish, if it was sent before and its outcome is not known yet. */
function keyOf(path, body) {
  const wish = JSON.stringify([path, body]);
  const same = ([, kept]) => JSON.stringify([kept.path, kept.body]) === wish;
  return Object.entries(readPending()).find(same)?.[0];
}

/** What was under way when the app was closed: sent again, with the same key. Throw the refusal. */
export async function resume() {
  const left = Object.entries(readPending()).filter(([key]) => !underWay.has(key));
  const all = left.map(async ([key, { path, body, at }]) => {
    if (Date.now() - at > KEPT_MS) writePending((pending) => { delete pending[key]; });
    else await follow(key, path, body, () => {});
  });
  const refused = (await Promise.allSettled(all)).find(({ reason }) => reason instanceof Refused);
  if (refused) throw refused.reason;
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
      if (!(error instanceof Offline) && !isPassing(error)) {
        writePending((pending) => { delete pending[key]; });
        throw error;
      }
      tell(intent ? "waiting" : "offline");
    }
    if (Date.now() > deadline) throw new Offline("offline");
    await pause(wait);
  }
  writePending((pending) => { delete pending[key]; });
  if (intent.status === "APPLIED") return intent.result;
  throw new Refused(intent.problem ?? { type: "urn:twtc:problem:internal" }, 409);
}

const isPassing = (error) => error instanceof Refused && (error.status >= 500 || error.status === 429);
