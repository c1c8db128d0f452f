/**
 * What the platform's own network does, by means that old phones have too: neither AbortSignal.any
 * and .timeout nor crypto.randomUUID, DOMException or an iterable stream are everywhere.
 */

/** Nobody answered: `fetch` itself gave up, or the time was over. `act` and `statuses` try again. */
export class Unreachable extends Error {
  constructor(readonly reason: unknown) {
    super(`nobody answered: ${String(reason)}`);
  }
}

/** A signal that ends with another one, or by itself after some time. */
export class Limit {
  readonly #controller = new AbortController();
  readonly #end = () => this.#controller.abort();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly ms: number,
    private readonly outer?: AbortSignal | null,
  ) {
    outer?.addEventListener("abort", this.#end);
    if (outer?.aborted) this.#end();
    this.renew();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Begin to count again. */
  renew(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#end, this.ms);
  }

  /** It has come in time. */
  done(): void {
    clearTimeout(this.#timer);
    this.outer?.removeEventListener("abort", this.#end);
  }

  /** It is not wanted any more. */
  end(): void {
    this.done();
    this.#end();
  }
}

/** What only the network can refuse. Throws Unreachable when it does, unless one has given up. */
export async function reached<T>(promise: Promise<T>, signal?: AbortSignal | null): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw signal?.aborted ? error : new Unreachable(error);
  }
}

/** A key for an action: unlike all others, not a secret. */
export function newKey(): string {
  const bytes = new Uint8Array(16);
  if (typeof crypto === "undefined") bytes.forEach((_, n) => (bytes[n] = 256 * Math.random()));
  else crypto.getRandomValues(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Wait, or until one has given up. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
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

/** What the stream tells; `id` goes into the next Last-Event-ID. */
export interface Told {
  event: string;
  data: string;
  id?: string;
}

/** The events of a stream. Throws Unreachable when it breaks off, or was silent for too long. */
export async function* parse(body: ReadableStream<Uint8Array>, silence: Limit) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  for (;;) {
    silence.renew();
    const { value, done } = await reached(reader.read());
    if (done) return;
    buffer = (buffer + decoder.decode(value, { stream: true })).replace(/\r\n/g, "\n");
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
}
