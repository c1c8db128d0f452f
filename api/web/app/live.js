// How things stand, as the server tells it: by its event stream, or by polling where there is none.

import { bearer, get, isSignedIn, now, Offline, renew, Refused } from "./api.js";

const SILENCE_MS = 40_000;
const POLL_MS_MIN = 1_000;
const POLL_MS_MAX = 30_000;

let running = null;

/** Begin to listen; `onStatus` and `onUnread` are called with what the server says. */
export function listen(onStatus, onUnread) {
  stop();
  const controller = new AbortController();
  running = controller;
  follow(controller.signal, onStatus, onUnread);
}

export function stop() {
  running?.abort();
  running = null;
}

/** Ask now. */
export async function poll(onStatus) {
  const status = await get("/v1/mining/status");
  onStatus(status);
  return status;
}

async function follow(signal, onStatus, onUnread) {
  let lastId = "";
  let failures = 0;
  while (!signal.aborted) {
    try {
      await stream(signal, lastId, (event) => {
        failures = 0;
        if (event.id) lastId = event.id;
        if (event.name === "status") onStatus(JSON.parse(event.data));
        if (event.name === "unread") onUnread(Number(event.data));
      });
    } catch {
      failures += 1;
    }
    if (signal.aborted) return;
    // The stream ends with its token, and with the server: poll, and try it again.
    const wait = await pollInstead(onStatus, failures);
    await new Promise((done) => setTimeout(done, wait));
  }
}

async function pollInstead(onStatus, failures) {
  try {
    const status = await poll(onStatus);
    if (failures < 3) return POLL_MS_MIN;
    const due = Date.parse(status.next_poll_at) - now();
    return Math.min(Math.max(due, POLL_MS_MIN), POLL_MS_MAX);
  } catch (error) {
    const isOut = error instanceof Refused && error.status === 401;
    return error instanceof Offline || isOut ? 2_000 : 5_000;
  }
}

async function stream(signal, lastId, onEvent) {
  if (!isSignedIn()) await renew();
  const headers = { Authorization: bearer(), Accept: "text/event-stream" };
  if (lastId) headers["Last-Event-ID"] = lastId;
  const silence = new AbortController();
  const answer = await fetch("/v1/events", {
    headers,
    signal: AbortSignal.any([signal, silence.signal]),
    cache: "no-store",
  });
  if (answer.status === 401) await renew();
  if (!answer.ok) throw new Error(`events: ${answer.status}`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const timer = setTimeout(() => silence.abort(), SILENCE_MS);
    const { value, done } = await reader.read();
    clearTimeout(timer);
    if (done) return;
    buffer += value.replaceAll("\r\n", "\n");
    const events = buffer.split("\n\n");
    buffer = events.pop();
    events.map(parse).filter((event) => event.data).forEach(onEvent);
  }
}

function parse(text) {
  const event = { id: "", name: "message", data: "" };
  for (const line of text.split("\n")) {
    const [field, ...rest] = line.split(":");
    const value = rest.join(":").replace(/^ /, "");
    if (field === "event") event.name = value;
    else if (field === "id") event.id = value;
    else if (field === "data") event.data += value;
  }
  return event;
}
