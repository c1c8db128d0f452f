/**
 * A thin client of the TWTC Engine: typed requests, tokens that renew themselves, actions that are
 * recorded once whatever the network does, the poll and the event stream.
 */

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
export type Intent = Schemas["IntentView"];
export type MiningStatus = Schemas["MiningStatus"];
export type Problem = Schemas["Problem"];
export type Tokens = Schemas["Tokens"];

type Posts = { [P in keyof paths]: paths[P] extends { post: infer O } ? O : never };
/** Where something is asked for that changes rewards: a POST that records an intent. */
export type ActionPath = {
  [P in keyof Posts]: Posts[P] extends { responses: { 202: unknown } } ? P : never;
}[keyof Posts];
type Json<T> = T extends { content: { "application/json": infer J } } ? J : never;
export type ActionBody<P extends ActionPath> = Posts[P] extends { requestBody?: infer B }
  ? Json<NonNullable<B>>
  : never;
export type ActionResult<P extends ActionPath> = Posts[P] extends { responses: { 200: infer R } }
  ? NonNullable<(Json<R> & { result: unknown })["result"]>
  : never;
export type PathParams<P extends ActionPath> = Posts[P] extends { parameters: { path: infer V } }
  ? V
  : Record<string, never>;

export interface ActionOptions<P extends ActionPath> {
  /** The {names} in the path. */
  path?: PathParams<P>;
  body?: ActionBody<P>;
  /** Keep it with the action until that is done: sent again, it does nothing twice. */
  key?: string;
  /** How long the server may wait for the outcome before it answers, 10 s at most. */
  waitSeconds?: number;
  signal?: AbortSignal;
  /** It is recorded, and not applied yet; or nobody answers, and it is tried again. */
  onWaiting?: (why: "recorded" | "unreachable") => void;
}

export interface Options {
  baseUrl: string;
  tokens?: Tokens;
  /** Hears of every renewal, to keep it; and null once signed out. */
  onTokens?: (tokens: Tokens | null) => void;
  fetch?: typeof fetch;
}

/** What the server refused, and why. Branch on `problem.type`. */
export class Refused extends Error {
  constructor(
    readonly problem: Problem,
    readonly status: number,
  ) {
    super(problem.detail);
  }
}

/** What the stream tells; `id` goes into the next Last-Event-ID. */
export interface Told {
  event: string;
  data: string;
  id?: string;
}

const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 15_000;
const ANSWER_MS_MAX = 20_000;
const SILENCE_MS_MAX = 40_000; // the stream says something every 15 s

export class TwtcClient {
  /** Every other operation, typed: `client.http.GET("/v1/wallet")`. */
  readonly http: Client<paths>;
  #tokens: Tokens | null;
  #renewing: Promise<Response> | null = null;
  #aheadMs = 0;
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
    this.#tokens = options.tokens ?? null;
    this.http = createClient<paths>({
      baseUrl: options.baseUrl,
      fetch: (request) => this.#send(request),
    });
  }

  /** The server's time, as its last answer told: deadlines are in it, and phones are off. */
  now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  /** Sign the following requests with these: of a registration or a sign-in. */
  keep(tokens: Tokens | null): void {
    this.#tokens = tokens;
    this.#options.onTokens?.(tokens);
  }

  /** The data of an answer, or Refused: `client.got(await client.http.GET("/v1/me"))`. */
  got<T>(answer: { data?: T; error?: unknown; response: Response }): T {
    if (!answer.response.ok) throw new Refused(problemOf(answer.error), answer.response.status);
    return answer.data as T;
  }

  /**
   * Ask for something, and follow it to its outcome. Repeated with the same key while nobody
   * answers; whatever happens on the way, it takes effect once. Throws Refused with the reason.
   */
  async act<P extends ActionPath>(
    path: P,
    options: ActionOptions<P> = {},
  ): Promise<ActionResult<P>> {
    const { signal, waitSeconds = 8, onWaiting } = options;
    const key = options.key ?? crypto.randomUUID();
    const headers = { "Idempotency-Key": key, Prefer: `wait=${waitSeconds}` };
    const sent = { params: { path: options.path, header: headers }, body: options.body, signal };
    let known: string | null = null;
    for (let pause = PAUSE_MS_MIN; ; pause = Math.min(pause * 2, PAUSE_MS_MAX)) {
      signal?.throwIfAborted();
      const answer = await (known === null
        ? this.http.POST(path as never, sent as never)
        : this.http.GET("/v1/intents/{intent_id}", {
            params: { path: { intent_id: known } },
            signal: signal ?? null,
          })
      ).catch(unlessUnreachable);
      if (answer === null || isPassing(answer.response)) {
        onWaiting?.("unreachable");
        await sleep(Math.max(pause, retryAfterMs(answer?.response)), signal);
        continue;
      }
      const intent = this.got(answer) as Intent;
      if (intent.status === "APPLIED") return intent.result as unknown as ActionResult<P>;
      if (intent.status !== "RECORDED") throw new Refused(problemOf(intent.problem), 409);
      known = intent.id;
      onWaiting?.("recorded");
      await sleep(pause, signal);
    }
  }

  /** How things stand, now and at every `next_poll_at`; nothing is yielded while nothing changes. */
  async *statuses(signal?: AbortSignal): AsyncGenerator<MiningStatus, void> {
    let etag = "";
    let due = 0;
    for (let pause = PAUSE_MS_MIN; !signal?.aborted; ) {
      const answer = await this.http
        .GET("/v1/mining/status", {
          params: { header: etag ? { "If-None-Match": etag } : {} },
          signal: signal ?? null,
        })
        .catch(unlessUnreachable);
      if (answer === null || isPassing(answer.response)) {
        await sleep(Math.max(pause, retryAfterMs(answer?.response)), signal);
        pause = Math.min(pause * 2, PAUSE_MS_MAX);
        continue;
      }
      pause = PAUSE_MS_MIN;
      if (answer.response.status !== 304) {
        const status = this.got(answer);
        etag = answer.response.headers.get("ETag") ?? "";
        due = Date.parse(status.next_poll_at);
        yield status;
      }
      await sleep(Math.max(due - this.now().getTime(), PAUSE_MS_MIN), signal);
    }
  }

  /** The event stream, opened again where it broke off. */
  async *events(signal?: AbortSignal): AsyncGenerator<Told, void> {
    let lastId = "";
    for (let pause = PAUSE_MS_MIN; !signal?.aborted; pause = Math.min(pause * 2, PAUSE_MS_MAX)) {
      const silence = new AbortController();
      const ends = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
      const headers = new Headers({ Accept: "text/event-stream" });
      if (lastId) headers.set("Last-Event-ID", lastId);
      const url = new URL("/v1/events", this.#options.baseUrl);
      try {
        const answer = await this.#send(new Request(url, { headers, signal: ends }), Infinity);
        if (!answer.ok || !answer.body) {
          if (answer.status === 401) throw new Refused(problemOf(await answer.json()), 401);
          await sleep(retryAfterMs(answer), signal);
          continue;
        }
        for await (const told of parse(answer.body, silence)) {
          if (told.id) lastId = told.id;
          pause = PAUSE_MS_MIN;
          yield told;
        }
      } catch (error) {
        if (error instanceof Refused) throw error;
      }
      await sleep(pause, signal);
    }
  }

  async #send(request: Request, limitMs = ANSWER_MS_MAX): Promise<Response> {
    const again = request.clone();
    const before = this.#tokens;
    const answer = await this.#signed(request, limitMs);
    if (answer.status !== 401 || !before?.refresh_token || isSignIn(request)) return answer;
    if (this.#tokens === before) {
      const renewal = await (this.#renewing ??= this.#renew(before.refresh_token));
      if (!renewal.ok) return renewal.clone();
    }
    return this.#signed(again, limitMs);
  }

  async #signed(request: Request, limitMs: number): Promise<Response> {
    if (this.#tokens && !isSignIn(request)) {
      request.headers.set("Authorization", `Bearer ${this.#tokens.access_token}`);
    }
    const late = Number.isFinite(limitMs) ? [AbortSignal.timeout(limitMs)] : [];
    const signal = AbortSignal.any([request.signal, ...late]);
    const answer = await (this.#options.fetch ?? fetch)(request, { signal });
    const date = Date.parse(answer.headers.get("Date") ?? "");
    if (Math.abs(date - this.now().getTime()) > 2_000) this.#aheadMs = date - Date.now();
    return answer;
  }

  /** Repeated after a lost answer, the server gives the same tokens again. */
  async #renew(refreshToken: string): Promise<Response> {
    try {
      const url = new URL("/v1/auth/refresh", this.#options.baseUrl);
      const body = JSON.stringify({ refresh_token: refreshToken });
      const headers = { "Content-Type": "application/json" };
      const answer = await this.#signed(
        new Request(url, { method: "POST", body, headers }),
        ANSWER_MS_MAX,
      );
      if (answer.ok) this.keep((await answer.json()) as Tokens);
      else if (answer.status === 401) this.keep(null);
      return answer;
    } finally {
      this.#renewing = null;
    }
  }
}

async function* parse(body: ReadableStream<Uint8Array>, silence: AbortController) {
  let buffer = "";
  let timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
  try {
    const decoder = new TextDecoder();
    for await (const bytes of body as unknown as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
      buffer = (buffer + decoder.decode(bytes, { stream: true })).replaceAll("\r\n", "\n");
      const events = buffer.split("\n\n");
      buffer = events.pop() ?? "";
      for (const text of events) {
        const told: Told = { event: "message", data: "" };
        for (const line of text.split("\n")) {
          const at = line.indexOf(": ");
          const [field, value] = [line.slice(0, at), line.slice(at + 2)];
          if (field === "event" || field === "id") told[field] = value;
          else if (field === "data") told.data += value;
        }
        if (told.data) yield told;
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

const isSignIn = (request: Request) =>
  request.method === "POST" && /\/v1\/auth\/(register|login|refresh|mfa)$/.test(new URL(request.url).pathname);
const isPassing = ({ status }: Response) => status === 429 || status >= 500;
const retryAfterMs = (answer?: Response) => 1000 * Number(answer?.headers.get("Retry-After") ?? 0);
const problemOf = (found: unknown): Problem =>
  (found as Problem | null) ?? {
    type: "urn:twtc:problem:internal",
    title: "Internal error",
    status: 500,
    detail: "The server could not do it.",
  };

/** fetch tells that nobody answered with a TypeError, and of its time limit with a DOMException. */
function unlessUnreachable(error: unknown): null {
  if (error instanceof TypeError) return null;
  if (error instanceof DOMException && error.name === "TimeoutError") return null;
  throw error;
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(over, ms);
    function over() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", over);
      done();
    }
    signal?.addEventListener("abort", over);
  });
}
