// What the browser's own network does, by means that are on every phone (docs/guide/client.md).

/** Nobody answered: fetch itself gave up, or the time was over. Anything else is a fault of ours. */
export class Offline extends Error {}

/** A signal that ends after some time, or with another one, and a way to let it be. */
export function limited(ms, outer) {
  const controller = new AbortController();
  const end = () => controller.abort();
  let timer = setTimeout(end, ms);
  if (outer) outer.addEventListener("abort", end);
  if (outer && outer.aborted) end();
  return {
    signal: controller.signal,
    /** Begin to count again. */
    renew() {
      clearTimeout(timer);
      timer = setTimeout(end, ms);
    },
    /** It has come in time. */
    done() {
      clearTimeout(timer);
      if (outer) outer.removeEventListener("abort", end);
    },
    /** It is not wanted any more. */
    end() {
      this.done();
      end();
    },
  };
}

/** What becomes of something that only the network can refuse. Throw Offline when it does. */
export async function reached(promise) {
  try {
    return await promise;
  } catch (error) {
    throw new Offline(String(error));
  }
}
