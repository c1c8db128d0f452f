// Watching a video to its end, as the server sees it, and its question.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { act, get, now, post } from "../api.js";
import { amount, clock } from "../format.js";
import { openPlayer } from "../players.js";
import { pick, t } from "../texts.js";
import { Bar, Note, Problem, Sheet, useAction, useTick } from "../ui.js";

export function Watch({ video, boost, close }) {
  const box = useRef();
  const [seen, setSeen] = useState({ reached: 0, duration: boost.duration_seconds, fault: null });
  const [isComplete, setComplete] = useState(false);
  const [error, setError] = useState(null);
  const [failure, setFailure] = useState(null);

  useEffect(() => {
    if (isComplete || failure) return undefined;
    return beats(video, boost, box.current, { setSeen, setComplete, setError, setFailure });
  }, [isComplete, failure]);

  if (failure) {
    return html`<${Sheet} title=${t("watch.title")} close=${close}>
      <p id="watch-failed" class="problem" role="alert">${t(`watch.${failure}`)}</p>
      <button type="button" class="button primary" onClick=${close}>${t("watch.another")}</button>
    <//>`;
  }
  return html`<${Sheet} title=${t(isComplete ? "watch.question" : "watch.title")} close=${close}>
    ${isComplete
      ? html`<${BoostQuestion} boost=${boost} close=${close} />`
      : html`<div class="player" ref=${box}></div>
        <${Bar} value=${seen.reached} max=${seen.duration} label=${t("progress")} />
        <p dir="ltr" class="quiet">${t("watch.reached", {
          reached: clock(seen.reached), duration: clock(seen.duration) })}</p>
        <p role="status" class=${seen.fault ? "note" : "quiet"}>
          ${t(seen.fault ? `fault.${seen.fault}` : "watch.rules")}</p>`}
    <${Problem} error=${error} />
  <//>`;
}

/** Tell the server every few seconds, and at each change, what the player does. */
function beats(video, boost, box, { setSeen, setComplete, setError, setFailure }) {
  let token = boost.watch_token;
  let timer = null;
  let isSending = false;
  let isOver = false;
  let isWanted = false;
  const player = openPlayer(video, box, () => beat(), (cause) => {
    setFailure(cause);
    // Told until the server has it; that it was watched meanwhile is no matter to whom it failed.
    act(`/v1/boosts/${boost.boost_id}/failed`, { cause }).catch(() => {});
  });

  async function beat() {
    if (isOver) return;
    if (isSending) {
      isWanted = true;
      return;
    }
    isSending = true;
    clearTimeout(timer);
    let wait = 2;
    try {
      const { seconds, state, muted } = player.read();
      const shown = await post(`/v1/boosts/${boost.boost_id}/progress`, {
        watch_token: token, position_seconds: Math.max(0, seconds), state, muted,
        visible: document.visibilityState === "visible",
      });
      token = shown.watch_token;
      wait = shown.next_beat_seconds;
      setError(null);
      setSeen({ reached: shown.reached_seconds, duration: shown.duration_seconds,
        fault: shown.fault });
      if (shown.fault === "SKIPPED" || shown.fault === "SILENT") player.seek(shown.reached_seconds);
      if (shown.is_complete) {
        isOver = true;
        setComplete(true);
      }
    } catch (error) {
      setError(error);
    }
    isSending = false;
    if (isOver) return;
    timer = setTimeout(beat, isWanted ? 200 : wait * 1000);
    isWanted = false;
  }

  document.addEventListener("visibilitychange", beat);
  timer = setTimeout(beat, 1000);
  return () => {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", beat);
    player.close();
  };
}

function BoostQuestion({ boost, close }) {
  const [question, setQuestion] = useState(null);
  const [error, setError] = useState(null);
  const [result, setResult] = useState(null);
  useEffect(() => {
    ask(boost.boost_id).then(setQuestion, setError);
  }, []);
  const answer = useAction(async (option, tell) => {
    setResult(await act(`/v1/boosts/${boost.boost_id}/answer`, { option }, tell));
  });
  if (result) {
    return html`<p id="boost-result" role="status" class=${result.is_correct ? "good" : "note"}>
      ${t(result.is_correct ? "question.right" : "question.wrong", { amount: amount(result.reward) })}
      </p><button type="button" class="button primary" onClick=${close}>${t("done")}</button>`;
  }
  if (!question) return html`<${Problem} error=${error} />`;
  return html`<${Question} question=${question} until=${question.answer_by} answer=${answer} />
    <${Note} note=${answer.note} /><${Problem} error=${answer.error} />`;
}

/** The watch is complete here a moment before the worker has applied it. */
async function ask(boostId) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await get(`/v1/boosts/${boostId}/question`);
    } catch (error) {
      if (error.slug !== "watch-incomplete" || tries > 60) throw error;
      await new Promise((done) => setTimeout(done, 500));
    }
  }
}

/** A question with four options, and a timer if there is one. */
export function Question({ question, until = null, answer }) {
  useTick(500);
  const left = until ? Math.ceil((Date.parse(until) - now()) / 1000) : null;
  const isLate = left !== null && left <= 0;
  return html`<div class="question">
    <p class="ask" dir="auto">${pick(question.text)}</p>
    ${left !== null && html`<p role="timer" class="note">
      ${isLate ? t("question.late") : t("question.left", { seconds: left })}</p>
      <${Bar} value=${left} max=${30} label=${t("progress")} />`}
    <ol>${pick(question.options).map((option, place) => html`<li><button type="button" dir="auto"
      class="button option" disabled=${answer.isBusy || isLate}
      onClick=${() => answer.run(place)}>${option}</button></li>`)}</ol>
  </div>`;
}
