// The forms of content: which fields a row has, and how a row becomes their texts and back.

const MICRO = 1e6;
const COUNTRY = { pattern: "[A-Z]{2}", maxlength: 2 };
const line = (name, label, more = {}) => (
  { name, label, attributes: { maxlength: 300, ...more.attributes }, ...more });
const count = (name, label, min, max, more = {}) => (
  { name, label, type: "number", attributes: { min, max, step: more.step ?? 1 }, ...more });
const both = (name, label, more = {}) => [
  line(`${name}.en`, `${label}, English`, more), line(`${name}.ar`, `${label}, Arabic`, more)];
const country = line("country", "Country, two letters", { attributes: COUNTRY });
const category = { name: "category", label: "About",
  options: ["NATURE", "CULTURE", "ADVENTURE", "HISTORY", "CITY"] };
const isActive = { name: "is_active", label: "Shown", type: "boolean",
  options: [["true", "Yes"], ["false", "No"]] };
const ORDINALS = ["First", "Second", "Third", "Fourth"];

export const FORMS = {
  videos: {
    keys: ["provider", "provider_id"],
    initial: { provider: "youtube", category: "NATURE", boost_percent: 150, is_active: true },
    fields: [
      { name: "provider", label: "Provider", options: [["youtube", "YouTube"], ["own", "Our own"]] },
      line("provider_id", "Id at the provider", { attributes: { maxlength: 64, pattern: "[A-Za-z0-9_.\\-]+" } }),
      line("title", "Title"), line("channel", "Channel"), country, category,
      count("duration_seconds", "Seconds", 1, 86_400, { isOptional: true, isTold: true,
        hint: "Its provider tells them, at the next check; nobody is offered it before." }),
      count("boost_percent", "Boost, percent of the reward", 1, 300), isActive,
    ],
  },
  articles: {
    keys: ["slug"],
    initial: { category: "NATURE", is_active: true },
    fields: [
      line("slug", "Name in addresses", { attributes: { maxlength: 100, pattern: "[a-z0-9]+(-[a-z0-9]+)*" } }),
      country, category, isActive, ...both("title", "Title"), ...both("body", "Text", { long: true }),
    ],
  },
  questions: {
    keys: ["key"],
    initial: { correct_index: 0, difficulty: "EASY", is_active: true },
    fields: [
      line("key", "Key", { attributes: { maxlength: 100, pattern: "[A-Za-z0-9_.:\\-]+" } }), country,
      line("video_id", "Of the video", { isOptional: true,
        hint: "For example youtube:abc; or empty. Of several, one is drawn for each boost." }),
      line("article_slug", "Of the article", { isOptional: true, hint: "Its name in addresses; or empty." }),
      ...both("text", "Question"),
      ...[0, 1, 2, 3].flatMap((place) => ["en", "ar"].map((language) => line(
        `options.${language}.${place}`,
        `${ORDINALS[place]} option, ${language === "en" ? "English" : "Arabic"}`))),
      { name: "correct_index", label: "Right answer", type: "number",
        options: ORDINALS.map((title, place) => [String(place), `${title} option`]) },
      { name: "difficulty", label: "Difficulty", options: ["EASY", "MEDIUM", "HARD"] }, isActive,
    ],
  },
  "task-types": {
    keys: ["id"],
    initial: { category: "SOCIAL", is_active: true },
    fields: [
      count("id", "Number", 1, 32_767), line("name", "Name"),
      { name: "category", label: "Category", options: ["ADS", "CONTENT", "QUIZ", "SOCIAL"] },
      count("reward_micro", "Reward, TWTC", 0.000001, 1_000, { step: "0.000001", scale: MICRO }),
      ...both("description", "Description"),
      line("required_action", "Required action"), line("validation_rule", "Checked by"), isActive,
    ],
  },
};

/** The texts of a form's fields, by their names: {"title.en": "Petra", …}. */
export function write(row, prefix = "") {
  const texts = {};
  for (const [key, value] of Object.entries(row)) {
    const name = prefix + key;
    if (value !== null && typeof value === "object") Object.assign(texts, write(value, `${name}.`));
    else if (name === "reward_micro") texts[name] = String(value / MICRO);
    else texts[name] = value === null || value === undefined ? "" : String(value);
  }
  return texts;
}

/** The row that a form's fields make. */
export function read(fields, texts) {
  const row = {};
  for (const { name, type, scale = 1, isOptional } of fields) {
    const text = (texts[name] ?? "").trim();
    let value = text;
    if (isOptional && text === "") value = null;
    else if (type === "number") value = scale === 1 ? Number(text) : Math.round(Number(text) * scale);
    else if (type === "boolean") value = text === "true";
    place(row, name.split("."), value);
  }
  return row;
}

function place(row, [key, ...rest], value) {
  if (rest.length === 0) {
    row[key] = value;
    return;
  }
  row[key] ??= /^\d+$/.test(rest[0]) ? [] : {};
  place(row[key], rest, value);
}
