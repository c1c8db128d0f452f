// How things stand, as the server tells it: by its event stream, or by polling where there is none.

import { bearer, get, isPassing, isSignedIn, now, renew, Refused } from "./api.js";
import { limited, Offline, reached } from "./network.js";

const SILENCE_MS = 40_000;
const POLL_MS_MIN = 1_000;
const POLL_MS_MAX = 30_000;

let running = null;

/** Begin to listen; `onStatus` and `onUnread` hear what the server says, `onFault` what is ours. */
export function listen(onStatus, onUnread, onFault) {
  stop();
  const controller = new AbortController();
  running = controller;
  follow(controller.signal, { onStatus, onUnread, onFault });
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

async function follow(signal, { onStatus, onUnread, onFault }) {
  const judge = (error) => {
    const isTold = isPassing(error) || error instanceof Refused;
    if (!isTold && !signal.aborted) onFault(error);
  };
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
    } catch (error) {
      failures += 1;
      judge(error);
    }
    if (signal.aborted) return;
    // The stream ends with its token, and with the server: poll, and try it again.
    const wait = await pollInstead(onStatus, failures, judge);
    await new Promise((done) => setTimeout(done, wait));
  }
}

async function pollInstead(onStatus, failures, judge) {
  try {
    const status = await poll(onStatus);
    if (failures < 3) return POLL_MS_MIN;
    const due = Date.parse(status.next_poll_at) - now();
    return Math.min(Math.max(due, POLL_MS_MIN), POLL_MS_MAX);
  } catch (error) {
    judge(error);
    const isOut = error instanceof Refused && error.status === 401;
    return error instanceof Offline || isOut ? 2_000 : 5_000;
  }
}

async function stream(signal, lastId, onEvent) {
  if (!isSignedIn()) await renew();
  const headers = { Authorization: bearer(), Accept: "text/event-stream" };
  if (lastId) headers["Last-Event-ID"] = lastId;
  const silence = limited(SILENCE_MS, signal);
  try {
    const answer = await reached(fetch("/v1/events", {
      headers,
      signal: silence.signal,
      cache: "no-store",
    }));
    if (answer.status === 401) await renew();
    if (!answer.ok) throw new Refused({}, answer.status);
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    let buffer = "";
    for (;;) {
      silence.renew();
      const { value, done } = await reached(reader.read());
      if (done) return;
      buffer = (buffer + decoder.decode(value, { stream: true })).replace(/\r\n/g, "\n");
      const events = buffer.split("\n\n");
      buffer = events.pop();
      events.map(parse).filter((event) => event.data).forEach(onEvent);
    }
  } finally {
    silence.end();
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
