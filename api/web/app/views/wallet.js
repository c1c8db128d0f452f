// What one owns, and every transfer of it.

import { html, useState } from "../vendor/preact.js";
import { get } from "../api.js";
import { amount, dateTime } from "../format.js";
import { t } from "../texts.js";
import { Button, Loading, Problem, useAction, useLoaded } from "../ui.js";

export function Wallet({ status }) {
  const [wallet, error] = useLoaded(() => get("/v1/wallet"), [status.balance]);
  if (!wallet && !error) return html`<${Loading} />`;
  return html`<section>
    <h1>${t("wallet.title")}</h1>
    <p class="total"><span dir="ltr"><strong>${amount(status.balance)}</strong> TWTC</span></p>
    ${status.session && html`<p class="quiet">${t("wallet.settling")}</p>`}
    ${wallet && html`<dl class="card facts">
      <div><dt>${t("wallet.earned")}</dt><dd dir="ltr">${amount(wallet.total_earned)}</dd></div>
      <div><dt>${t("wallet.settled")}</dt><dd dir="ltr">${amount(wallet.settled_balance)}</dd></div>
    </dl>`}
    <h2>${t("wallet.history")}</h2>
    <${Pages} path="/v1/wallet/transactions" none=${t("wallet.none")} key=${wallet?.settled_balance}
      row=${(item) => html`<span><strong>${t(`type.${item.type}`)}</strong>
        <small>${dateTime(item.created_at)}</small></span>
        <span class="badge" dir="ltr">${sign(item)}${amount(item.amount)}</span>`} />
  </section>`;
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
  const [first, error] = useLoaded(() => fetch(null));
  const more = useAction(() => fetch(cursor));
  if (!first) return error ? html`<${Problem} error=${error} />` : html`<${Loading} />`;
  if (items.length === 0) return html`<p class="quiet">${none}</p>`;
  return html`<ul class="rows">${items.map((item) => html`<li key=${item.id}>${row(item)}</li>`)}</ul>
    <${Problem} error=${more.error} />
    ${cursor && html`<${Button} action=${more} kind="quiet">${t("more")}<//>`}`;
}
