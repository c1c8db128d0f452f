// Mining: what is earned, when the next window opens, and what stands in the way.

import { html, useState } from "../vendor/preact.js";
import { act, now } from "../api.js";
import { earned, passed, total } from "../earning.js";
import { amount, countdown, time } from "../format.js";
import { t } from "../texts.js";
import { Button, Hours, Note, Problem, useAction, useTick } from "../ui.js";
import { AdBreak } from "./ad.js";
import { Held, isHeld } from "./held.js";

export function Mine({ status, asOf, isIn, refresh, profile, reload }) {
  useTick(1000);
  const [ad, setAd] = useState(null);
  const start = useAction(async (tell) => {
    const result = await act("/v1/mining/sessions", {}, tell);
    setAd(result.ad);
    refresh();
  });
  const over = () => {
    setAd(null);
    refresh();
  };
  const { session, next_session: next, window, refusal } = status;
  return html`<section class="mine">
    <h1 class="hidden">${t("mine.title")}</h1>
    <${Dial} status=${status} at=${asOf ?? now()} />
    ${next?.started_at && Date.parse(next.started_at) > now() &&
      html`<p class="card good">${t("mine.verified", { time: time(next.started_at) })}</p>`}
    ${isIn && (isHeld(refusal)
      ? html`<${Held} refusal=${refusal} refresh=${refresh} reload=${reload} />`
      : html`<${Action} status=${status} start=${start} watch=${() => setAd(status.ad)} />`)}
    <${Note} note=${start.note} />
    <${Problem} error=${start.error} />
    <dl class="card facts">
      <div><dt>${t(window.is_open ? "mine.now" : "mine.next")}</dt>
        <dd>${window.is_open
          ? t("mine.openNow", { time: time(window.closes_at) })
          : t("mine.opens", { time: countdown(window.opens_at) })}
        <small>${!window.is_open && t("mine.at", { time: time(window.opens_at) })}</small></dd></div>
      <div><dt>${t("mine.group", { group: status.group_number })}</dt>
        <dd><${Hours} schedule=${profile?.mining_schedule ?? []} /></dd></div>
    </dl>
    ${ad && html`<${AdBreak} ad=${ad} status=${status} close=${over} />`}
  </section>`;
}

/** The ring: how much of the session has passed, and what it has earned by now. */
function Dial({ status, at }) {
  const { session } = status;
  const share = session ? passed(session, at) : 0;
  const around = 2 * Math.PI * 88;
  return html`<div class=${`dial ${session ? "on" : ""}`}>
    <svg viewBox="0 0 200 200" aria-hidden="true">
      <circle class="track" cx="100" cy="100" r="88" />
      <circle class="arc" cx="100" cy="100" r="88" stroke-dasharray=${around}
        stroke-dashoffset=${around * (1 - share)} />
    </svg>
    <div class="middle">
      <small>${t("mine.balance")}</small>
      <strong id="balance" dir="ltr">${amount(total(status, at), 4)}</strong>
      <small dir="ltr">TWTC</small>
      ${session && html`<span id="left">${t("mine.ends", { time: countdown(session.ends_at) })}</span>`}
    </div>
  </div>
  ${session && html`<p class="quiet" role="status">${t("mine.earned", {
      earned: amount(earned(session, at), 4),
      reward: amount(session.reward),
    })}${Number(session.boosted) > 0 && ` · ${t("mine.boosted", { amount: amount(session.boosted) })}`}
  </p>`}`;
}

function Action({ status, start, watch }) {
  if (status.ad?.status === "COMPLETED") {
    return html`<p class="card" role="status">${t("mine.awaits")}</p>`;
  }
  if (status.ad) {
    return html`<button type="button" class="button primary big" id="watch" onClick=${watch}>
      ${t("mine.watch")}</button>`;
  }
  if (status.can_start) {
    return html`<p class="quiet">${t("mine.ready")}</p>
      <${Button} action=${start} kind="primary big" id="start">${t("mine.start")}<//>`;
  }
  return status.session ? null : html`<p class="quiet">${t("mine.idle")}</p>`;
}
