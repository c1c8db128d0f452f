// The ad break: the network's own page, our own progress, and no way to skip.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { act, get, now, Refused } from "../api.js";
import { t } from "../texts.js";
import { Note, Problem, Seconds, Sheet } from "../ui.js";

const PROOF_SECONDS = 60;

/**
 * Shows an ad to its end. For a session it is over once the status says so; for a task, `check`
 * tells whether it has been paid.
 */
export function AdBreak({ ad: first, close, check = isMining, paid = "ad.done" }) {
  const [ad, setAd] = useState(first);
  const [step, setStep] = useState("loading");
  const [left, setLeft] = useState(first.min_seconds);
  const [note, setNote] = useState(null);
  const [error, setError] = useState(null);
  const alive = useRef(true);
  useEffect(() => () => { alive.current = false; }, []);

  useEffect(() => {
    show(ad, { alive, setAd, setStep, setLeft, setNote, check }).catch((refusal) => {
      if (alive.current) {
        setError(refusal);
        setStep("over");
      }
    });
  }, [ad.view_id]);

  const isOver = step === "over" || step === "done" || step === "waiting";
  return html`<${Sheet} title=${t("ad.title")} close=${isOver ? close : null}>
    ${ad.page_url && html`<iframe class="ad" src=${ad.page_url} title=${t("ad.frame")}
      referrerpolicy="no-referrer" allow="autoplay"
      sandbox="allow-scripts allow-same-origin"></iframe>`}
    ${step === "loading" && html`<p role="status">${t("ad.loading")}</p>`}
    ${step === "playing" && html`<${Seconds} left=${left} of=${ad.min_seconds} />
      <p role="status">${t("ad.keep", { seconds: ad.min_seconds })}</p>`}
    ${step === "finishing" && html`<p role="status">${t("ad.finishing")}</p>`}
    ${step === "proof" && html`<p role="status">${t("ad.proof")}</p>`}
    ${step === "waiting" && html`<p role="status">${t("ad.waiting")}</p>`}
    ${step === "done" && html`<p class="good" role="status" id="ad-done">${t(paid)}</p>`}
    <${Note} note=${note} /><${Problem} error=${error} />
    ${isOver && html`<button type="button" class="button primary" onClick=${close}>
      ${t("done")}</button>`}
  <//>`;
}

async function show(ad, { alive, setAd, setStep, setLeft, setNote, check }) {
  if (!ad.page_url) {
    // A network whose ads only phones can show: its turn goes to the next one.
    const result = await act(`/v1/ads/views/${ad.view_id}/failed`, { cause: "NOT_ON_THE_WEB" });
    setAd(result.ad);
    return;
  }
  if (ad.status !== "COMPLETED") {
    await begin(ad, alive, setNote);
    setNote(null);
    setStep("playing");
    // After a reload it goes on from where it was.
    const shown = ad.started_at ? Math.max(0, now() - Date.parse(ad.started_at)) : 0;
    const ends = performance.now() + Math.max(0, (ad.min_seconds + 0.5) * 1000 - shown);
    while (alive.current && performance.now() < ends) {
      setLeft(Math.ceil((ends - performance.now()) / 1000));
      await new Promise((done) => setTimeout(done, 250));
    }
    if (!alive.current) return;
    setStep("finishing");
    try {
      await act(`/v1/ads/views/${ad.view_id}/completed`, {}, setNote);
    } catch (error) {
      if (!(error instanceof Refused && error.slug === "view-closed")) throw error;
    }
  }
  setNote(null);
  setStep("proof");
  for (let second = 0; second < PROOF_SECONDS && alive.current; second += 1) {
    if (await check().catch(() => false)) {
      setStep("done");
      return;
    }
    await new Promise((done) => setTimeout(done, 1000));
  }
  setStep("waiting");
}

/** One ad after the other: while another is being watched, this one waits for its end. */
async function begin(ad, alive, setNote) {
  for (;;) {
    try {
      return await act(`/v1/ads/views/${ad.view_id}/started`, {}, setNote);
    } catch (error) {
      const at = error instanceof Refused && error.slug === "ad-in-progress"
        ? Date.parse(error.problem.retry_at) : NaN;
      if (Number.isNaN(at) || !alive.current) throw error;
      await new Promise((done) => setTimeout(done, Math.max(500, at - now())));
    }
  }
}

async function isMining() {
  const status = await get("/v1/mining/status");
  return status.ad === null && Boolean(status.session ?? status.next_session);
}
