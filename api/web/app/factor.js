// A code of the second factor, asked for when what is sent takes one.

import { html, useState } from "./vendor/preact.js";
import { get } from "./api.js";
import { Field } from "./forms.js";
import { t } from "./texts.js";

/** A function that sends something, with a code once it was asked for; and the field for it. */
export function useFactor() {
  const [code, setCode] = useState("");
  const [method, setMethod] = useState(null);
  const withFactor = async (send) => {
    try {
      await send(method && { second_factor: { method, code } });
    } catch (error) {
      if (error.slug !== "second-factor-needed" || method) throw error;
      setMethod((await get("/v1/auth/mfa")).methods[0]);
      return;
    }
    setMethod(null);
    setCode("");
  };
  const field = method && html`<${Field} label=${t(`mfa.${method}`)} name="code" value=${code}
      dir="ltr" required autocomplete="one-time-code" onInput=${(e) => setCode(e.target.value)} />
    ${method !== "recovery" && html`<button type="button" class="button quiet"
      onClick=${() => setMethod("recovery")}>${t("mfa.other")}</button>`}`;
  return [withFactor, field];
}
