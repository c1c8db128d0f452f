// The app's templates. What has several roots gets an element around them that takes no part in the
// layout: the Preact of htm 3.1 misplaces roots of a component that are drawn anew.

import { h, html as build } from "../app/vendor/preact.js";

export { render, useEffect, useRef, useState } from "../app/vendor/preact.js";

export function html(...template) {
  const made = build(...template);
  return Array.isArray(made) ? h("div", { class: "roots" }, ...made) : made;
}
