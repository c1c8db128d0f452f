// Notifications, newest first; looking at them marks them as read.

import { html, useEffect } from "../vendor/preact.js";
import { post } from "../api.js";
import { amount, dateTime } from "../format.js";
import { t } from "../texts.js";
import { Pages } from "./wallet.js";

export function Inbox({ setUnread }) {
  useEffect(() => {
    post("/v1/notifications/read", {}).then((left) => setUnread(left.unread_count), () => {});
  }, []);
  return html`<section>
    <h1>${t("inbox.title")}</h1>
    <${Pages} path="/v1/notifications" none=${t("inbox.none")} row=${(note) => html`
      <span class=${note.read_at ? "" : "new"}><strong>${worded(note)}</strong>
        <small>${dateTime(note.created_at)}</small></span>`} />
  </section>`;
}

function worded({ kind, params }) {
  const values = { amount: amount(params.amount ?? 0), group: params.to_group ?? "" };
  return t(`notice.${kind}`, values);
}
