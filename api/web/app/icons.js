// Line icons, drawn here so that they look the same on every phone.

import { html } from "./vendor/preact.js";

const PATHS = {
  mine: "M14 4l6 6M4 20l9-9M8 4c5-1 9 3 12 8",
  boosts: "M12 20V5M5 12l7-7 7 7",
  tasks: "M4 6l2 2 3-3M4 13l2 2 3-3M4 20l2 2 3-3M12 7h8M12 14h8M12 21h8",
  wallet: "M3 7h18v12H3zM3 7l12-4v4M16 13h2",
  me: "M12 11a4 4 0 100-8 4 4 0 000 8zM4 21c1-5 4-7 8-7s7 2 8 7",
  bell: "M6 17V11a6 6 0 1112 0v6l2 2H4zM10 22h4",
  lock: "M7 11V8a5 5 0 0110 0v3M5 11h14v9H5z",
  ADS: "M8 5v14l11-7z",
  CONTENT: "M12 6c-3-2-6-2-9-1v14c3-1 6-1 9 1 3-2 6-2 9-1V5c-3-1-6-1-9 1zM12 6v14",
  QUIZ: "M9 9a3 3 0 115 2c-1 1-2 1-2 3M12 18v.5",
  SOCIAL: "M12 20C5 15 3 11 5 8c2-3 6-2 7 1 1-3 5-4 7-1 2 3 0 7-7 12z",
};

export function Icon({ name }) {
  return html`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
