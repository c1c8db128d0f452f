/**
 * A thin client of the TWTC Engine: typed requests, tokens that renew themselves, actions that are
 * recorded once whatever the network does, the poll and the event stream.
 */

import createClient, { type Client } from "openapi-fetch";
import { Limit, newKey, parse, reached, sleep, Unreachable, type Told } from "./network.js";
import type { components, paths } from "./schema.js";

export { newKey, Unreachable, type Told } from "./network.js";

type Schemas = components["schemas"];
export type Intent = Schemas["IntentView"];
export type MiningStatus = Schemas["MiningStatus"];
export type Problem = Schemas["Problem"];
export type Tokens = Schemas["Tokens"];

type Recorded = { "application/json": Intent };
type Posts = { [P in keyof paths]: paths[P] extends { post: infer O } ? O : never };
/** Where something is asked for that changes rewards: a POST that records an intent. */
export type ActionPath = {
  [P in keyof Posts]: Posts[P] extends { responses: { 202: { content: Recorded } } } ? P : never;
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
  /** What `onKnownDevice` heard last: strangers' wrong passwords do not count for this device. */
  knownDevice?: string;
  /** Hears of it at every sign-in, to keep it, also when signed out. */
  onKnownDevice?: (token: string) => void;
  /** Hears of every renewal, to keep it; and null once signed out. */
  onTokens?: (tokens: Tokens | null) => void;
  fetch?: typeof fetch;
  /** How long an answer may take before nobody has answered. */
  answerMsMax?: number;
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

const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 15_000;
const ANSWER_MS_MAX = 20_000;
const SILENCE_MS_MAX = 40_000; // the stream says something every 15 s

export class TwtcClient {
  /** Every other operation, typed: `client.http.GET("/v1/wallet")`. */
  readonly http: Client<paths>;
  #tokens: Tokens | null;
  #knownDevice: string | null;
  #renewing: Promise<Response> | null = null;
  #aheadMs = 0;
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
    this.#tokens = options.tokens ?? null;
    this.#knownDevice = options.knownDevice ?? null;
    this.http = createClient<paths>({
      baseUrl: options.baseUrl,
      fetch: (request) => this.#send(request),
    });
  }

  /** The server's time, as its last answer told: deadlines are in it, and phones are off. */
  now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  /** Sign the following requests with these: of a verified registration or a sign-in. */
  keep(tokens: Tokens | null): void {
    this.#tokens = tokens;
    this.#options.onTokens?.(tokens);
    if (tokens?.known_device) {
      this.#knownDevice = tokens.known_device;
      this.#options.onKnownDevice?.(tokens.known_device);
    }
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
    const key = options.key ?? newKey();
    const headers = { "Idempotency-Key": key, Prefer: `wait=${waitSeconds}` };
    const sent = { params: { path: options.path, header: headers }, body: options.body, signal };
    let known: string | null = null;
    for (let pause = PAUSE_MS_MIN; ; pause = Math.min(pause * 2, PAUSE_MS_MAX)) {
      if (signal?.aborted) throw gaveUp(signal);
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
      const silence = new Limit(SILENCE_MS_MAX, signal);
      const headers = new Headers({ Accept: "text/event-stream" });
      if (lastId) headers.set("Last-Event-ID", lastId);
      let wait = pause;
      try {
        const asked = new Request(this.#url("/v1/events"), { headers, signal: silence.signal });
        const answer = await this.#send(asked, false);
        if (answer.ok) {
          for await (const told of parse(streamOf(answer), silence)) {
            if (told.id) lastId = told.id;
            wait = pause = PAUSE_MS_MIN;
            yield told;
          }
        } else if (isPassing(answer)) wait = Math.max(pause, retryAfterMs(answer));
        else throw new Refused(problemOf(await answer.json().catch(() => null)), answer.status);
      } catch (error) {
        if (!(error instanceof Unreachable || signal?.aborted)) throw error;
      } finally {
        silence.end();
      }
      await sleep(wait, signal);
    }
  }

  async #send(request: Request, isWhole = true): Promise<Response> {
    const again = request.clone();
    const before = this.#tokens;
    const answer = await this.#signed(request, isWhole);
    if (answer.status !== 401 || !before?.refresh_token || isSignIn(request)) return answer;
    if (this.#tokens === before) {
      const renewal = await (this.#renewing ??= this.#renew(before.refresh_token));
      if (!renewal.ok) return renewal.clone();
    }
    return this.#signed(again, isWhole);
  }

  /** A whole answer within the time, or one that goes on. */
  async #signed(request: Request, isWhole: boolean): Promise<Response> {
    if (this.#tokens && !isSignIn(request)) {
      request.headers.set("Authorization", `Bearer ${this.#tokens.access_token}`);
    }
    if (this.#knownDevice && guards(request)) request.headers.set("Known-Device", this.#knownDevice);
    const { answerMsMax = ANSWER_MS_MAX } = this.#options;
    const limit = isWhole ? new Limit(answerMsMax, request.signal) : null;
    try {
      const options = limit ? { signal: limit.signal } : {};
      const asked = (this.#options.fetch ?? fetch)(request, options);
      const answer = await reached(asked, isWhole ? request.signal : null);
      const date = Date.parse(answer.headers.get("Date") ?? "");
      if (Math.abs(date - this.now().getTime()) > 2_000) this.#aheadMs = date - Date.now();
      if (!isWhole) return answer;
      const { status, statusText, headers } = answer;
      const text = await reached(answer.text(), request.signal);
      return new Response(text || null, { status, statusText, headers });
    } finally {
      limit?.done();
    }
  }

  #url(path: string): string {
    return this.#options.baseUrl.replace(/\/$/, "") + path;
  }

  /** Its answer may be lost: until the token in it was used, the server gives it again. */
  async #renew(refreshToken: string): Promise<Response> {
    try {
      const body = JSON.stringify({ refresh_token: refreshToken });
      const headers = { "Content-Type": "application/json" };
      const url = this.#url("/v1/auth/refresh");
      const answer = await this.#signed(new Request(url, { method: "POST", body, headers }), true);
      if (answer.ok) this.keep((await answer.json()) as Tokens);
      else if (answer.status === 401) this.keep(null);
      return answer;
    } finally {
      this.#renewing = null;
    }
  }
}

const isSignIn = (request: Request) =>
  request.method === "POST" && /\/v1\/auth\/(register|login|refresh|mfa)$/.test(request.url);
/** Where passwords and codes are compared. */
const guards = ({ url }: Request) => /\/v1\/(auth\/.*|me)$/.test(url);
const isPassing = ({ status }: Response) => status === 429 || status >= 500;
const retryAfterMs = (answer?: Response) => 1000 * Number(answer?.headers.get("Retry-After") ?? 0);
const problemOf = (found: unknown): Problem =>
  (found as Problem | null) ?? {
    type: "urn:twtc:problem:internal",
    title: "Internal error",
    status: 500,
    detail: "The server could not do it.",
  };

function unlessUnreachable(error: unknown): null {
  if (error instanceof Unreachable) return null;
  throw error;
}

function streamOf(answer: Response): ReadableStream<Uint8Array> {
  if (!answer.body) throw new Error("This fetch cannot stream: use statuses().");
  return answer.body;
}

/** As fetch says it, also where a signal keeps no reason. */
function gaveUp(signal: AbortSignal): unknown {
  return signal.reason ?? Object.assign(new Error("aborted"), { name: "AbortError" });
}
