// Boosts: which videos there are, and what they bring.

import { html, useState } from "../vendor/preact.js";
import { act, get } from "../api.js";
import { clock, country } from "../format.js";
import { t } from "../texts.js";
import { Missing, Note, Problem, useAction, useLoaded } from "../ui.js";
import { Watch } from "./watch.js";

export function Boosts({ status, refresh }) {
  const [place, setPlace] = useState("");
  const [topic, setTopic] = useState("");
  const [watching, setWatching] = useState(null);
  const [page, error, reload] = useLoaded(() => get("/v1/videos?limit=100"));
  const over = () => {
    setWatching(null);
    reload();
    refresh();
  };
  if (!page) return html`<${Missing} error=${error} again=${reload} />`;
  const shown = page.items.filter((video) => (!place || video.country === place)
    && (!topic || video.category === topic));
  const options = (name) => [...new Set(page.items.map((video) => video[name]))].sort();
  return html`<section>
    <h1>${t("boosts.title")}</h1>
    <p class="quiet">${t("boosts.left", { count: page.boosts_left_today })}</p>
    ${!status.session && html`<p class="card">${t("boosts.need")}</p>`}
    <div class="filters">
      <${Choice} label=${t("boosts.country")} value=${place} set=${setPlace}
        options=${options("country")} name=${country} />
      <${Choice} label=${t("boosts.category")} value=${topic} set=${setTopic}
        options=${options("category")} name=${topicName} />
    </div>
    ${shown.length === 0 && html`<p class="quiet">${t("boosts.none")}</p>`}
    <ul class="videos">${shown.map((video) => html`<${Video} video=${video} key=${video.id}
      canWatch=${Boolean(status.session) && page.boosts_left_today > 0} watch=${setWatching} />`)}</ul>
    ${watching && html`<${Watch} ...${watching} close=${over} />`}
  </section>`;
}

const topicName = (name) => t(`topic.${name}`);

function Choice({ label, value, set, options, name }) {
  return html`<label class="field"><span>${label}</span>
    <select value=${value} onChange=${(event) => set(event.target.value)}>
      <option value="">${t("boosts.all")}</option>
      ${options.map((option) => html`<option value=${option}>${name(option)}</option>`)}
    </select></label>`;
}

function Video({ video, canWatch, watch }) {
  const begin = useAction(async (tell) => {
    const boost = await act("/v1/boosts", { video_id: video.id }, tell);
    watch({ video, boost });
  });
  return html`<li class="video card">
    ${video.thumbnail && html`<img src=${video.thumbnail} alt="" loading="lazy"
      referrerpolicy="no-referrer" onError=${(event) => event.target.classList.add("gone")} />`}
    <div><h2 dir="auto">${video.title}</h2>
      <p class="quiet">${country(video.country)} · ${topicName(video.category)}
        · <span dir="ltr">${clock(video.duration_seconds)}</span></p>
      <p class="badge" dir="ltr">${t("boosts.percent", { percent: video.boost_percent })}</p></div>
    <button type="button" class="button primary" disabled=${!canWatch || video.used_today
      || begin.isBusy} onClick=${() => begin.run()}>
      ${t(video.used_today ? "boosts.used" : "boosts.watch")}</button>
    <${Note} note=${begin.note} /><${Problem} error=${begin.error} />
  </li>`;
}
