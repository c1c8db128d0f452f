// What one owns, what of it can be spent, and every transfer of it.

import { html, useState } from "../vendor/preact.js";
import { get, isPassing, now } from "../api.js";
import { earned, total } from "../earning.js";
import { amount, dateTime, time } from "../format.js";
import { t } from "../texts.js";
import { AsOf, Button, Missing, Problem, useAction, useKept, useLoaded, useTick } from "../ui.js";

export function Wallet({ status, asOf }) {
  useTick(1000);
  const { session } = status;
  const at = asOf ?? now();
  const [wallet, error, , keptAt] = useKept("wallet", () => get("/v1/wallet"), [session?.id]);
  return html`<section>
    <h1>${t("wallet.title")}</h1>
    <p class="total"><span dir="ltr"><strong id="total">${amount(total(status, at), 4)}</strong>${" "}TWTC</span></p>
    <${Problem} error=${isPassing(error) ? null : error} />
    ${wallet?.spendable !== undefined && html`<${Spendable} wallet=${wallet}
      all=${total(status, at)} isMining=${Boolean(session)} />
      ${asOf === null && html`<${AsOf} at=${keptAt} />`}`}
    <h2>${t("wallet.history")}</h2>
    ${session && html`<ul class="rows" id="pending"><li><span>
      <strong>${t("wallet.pending")}</strong>
      <small>${t("wallet.booked", { time: time(session.ends_at) })}</small></span>
      <span class="badge pending" dir="ltr">+${amount(earned(session, at), 4)}</span></li></ul>`}
    <${Pages} path="/v1/wallet/transactions" none=${Number(status.balance) > 0 || session ? null : t("wallet.none")}
      key=${session?.id}
      row=${(item) => html`<span><strong>${t(`type.${item.type}`)}</strong>
        <small>${dateTime(item.created_at)}</small></span>
        <span class="badge" dir="ltr">${sign(item)}${amount(item.amount)}</span>`} />
  </section>`;
}

/** What of it can be spent today, where that is not all; and why. */
function Spendable({ wallet, all, isMining }) {
  const { spendable, proof } = wallet;
  if (Number(spendable) >= all) return null;
  const isHeld = !proof.is_proven && Number(wallet.settled_balance) > Number(spendable);
  return html`<div class="card" id="spendable">
    <p>${t(Number(spendable) > 0 ? "wallet.spendable" : "wallet.spendable.none",
      { amount: amount(spendable) })}</p>
    ${isMining && html`<p class="quiet">${t("wallet.mining")}</p>`}
    ${isHeld && html`<p class="quiet">${t("proof.why", { amount: amount(proof.daily_limit) })}</p>
      <ul class="needs">${proof.missing.map((name) => html`<li key=${name}>
        ${t(`proof.${name}`, { days: proof.days, needed: proof.days_needed })}</li>`)}</ul>`}
  </div>`;
}

const sign = (item) => (item.from_account.startsWith("wallet:") ? "−" : "+");

/** A list that goes on: pages of an address, by its cursor. */
export function Pages({ path, row, none }) {
  const [items, setItems] = useState([]);
  const [cursor, setCursor] = useState(null);
  const fetch = async (after) => {
    const page = await get(`${path}?limit=20${after ? `&cursor=${after}` : ""}`);
    setItems((before) => [...before, ...page.items]);
    setCursor(page.next_cursor);
    return page;
  };
  const [first, error, again] = useLoaded(() => fetch(null));
  const more = useAction(() => fetch(cursor));
  if (!first) return html`<${Missing} error=${error} again=${again} />`;
  if (items.length === 0) return none && html`<p class="quiet">${none}</p>`;
  return html`<ul class="rows">${items.map((item) => html`<li key=${item.id}>${row(item)}</li>`)}</ul>
    <${Problem} error=${more.error} />
    ${cursor && html`<${Button} action=${more} kind="quiet">${t("more")}<//>`}`;
}
