// Charts as SVG, scaled by the style sheet; what they show is also in their label.

import { html } from "./html.js";
import { number } from "./parts.js";

const TOP = 4; // percent of the height that stays free

/** A round number that is not below a value. */
export function ceiling(value) {
  if (value <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * unit >= value) * unit;
}

/**
 * Columns, and a stepped line that they are held against. `plan` may be longer than `values`.
 * `name(place)` says what a column stands for.
 */
export function Columns({ values, plan = [], label, name, ticks, digits = 0, kind = "" }) {
  const count = Math.max(values.length, plan.length, 1);
  const most = ceiling(Math.max(0, ...values, ...plan));
  const width = 100 / count;
  const y = (value) => 100 - ((100 - TOP) * value) / most;
  const steps = plan.map((value, place) => `H${place * width}V${y(value)}H${(place + 1) * width}`);
  const line = plan.length ? `M0,${y(plan[0])}${steps.join("")}` : null;
  return html`<div class=${`chart ${kind}`}>
    <div class="scale" aria-hidden="true"><span>${number(most, digits)}</span><span>0</span></div>
    <svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label=${label}>
      <line class="grid" x1="0" x2="100" y1=${TOP} y2=${TOP} vector-effect="non-scaling-stroke" />
      <line class="grid" x1="0" x2="100" y1="52" y2="52" vector-effect="non-scaling-stroke" />
      ${values.map((value, place) => html`<rect key=${place} x=${place * width + width * 0.1}
        width=${width * 0.8} y=${y(value)} height=${100 - y(value)}>
        <title>${name(place)}: ${number(value, digits || 2)}</title></rect>`)}
      ${line && html`<path class="plan" d=${line} vector-effect="non-scaling-stroke" />`}</svg>
    <div class="ticks" aria-hidden="true">${ticks.map((tick) => html`<span key=${tick}>${tick}</span>`)}
    </div></div>`;
}
