// The emoji with their names and words in English and Russian, drawn from emoji-picker-element-data:
// a text of one line each, which state/emoji.ts imports as "emoji-data" and takes apart.
import { createRequire } from "node:module";

const read = createRequire(import.meta.url);
const of = (set) => read(`emoji-picker-element-data/${set}/data.json`);

// Of a name that means two emoji, the meaning in other messengers holds: these come first.
const NAMES = ["en/github", "en/iamcal", "en/emojibase"];
// Smileys and people are one group, objects and symbols too.
const GROUP = { 0: 0, 1: 0, 3: 1, 4: 2, 6: 3, 5: 4, 7: 5, 8: 5, 9: 6 };
const TONES = ["🏻", "🏼", "🏽", "🏾", "🏿"];

// A sign that says "as an emoji" after what is one anyway; the server leaves it out of reactions too.
const bare = (emoji) => emoji.replaceAll(/(\p{Emoji_Presentation})\uFE0F/gu, "$1");

/** The emoji with a star for each skin tone; nothing where it has none. */
function pattern({ emoji, skins }) {
  if (!skins) return "";
  const patterns = TONES.map((tone, at) => skins.find((skin) => skin.tone === at + 1).emoji.replaceAll(tone, "*"));
  if (new Set(patterns).size > 1 || !patterns[0].includes("*")) throw new Error(`The tones of ${emoji} differ in more than the tone.`);
  return bare(patterns[0]);
}

/** Words that are looked for, each once, without those that are known from elsewhere. */
function words(tags, ...elsewhere) {
  const known = new Set(elsewhere.join(" ").toLowerCase().split(/[^\p{L}\p{N}]+/u));
  const all = tags.join(" ").toLowerCase().split(/\s+/);
  return [...new Set(all)].filter((word) => word && !known.has(word)).join(" ");
}

function lines() {
  const names = new Map();
  for (const { emoji, shortcodes = [] } of NAMES.flatMap(of)) for (const name of shortcodes) if (!names.has(name)) names.set(name, emoji);
  const russian = new Map(of("ru/cldr-native").map((one) => [one.emoji, one]));
  const order = (one) => GROUP[one.group] * 100_000 + one.order;
  return of("en/emojibase")
    .filter(({ group }) => group in GROUP)
    .sort((a, b) => order(a) - order(b))
    .map((one) => {
      const { emoji, group, version, annotation, tags = [] } = one;
      const own = [...names].filter(([, of]) => of === emoji).map(([name]) => name);
      const ru = russian.get(emoji);
      if (!own.length || !ru) throw new Error(`${emoji} has no name.`);
      return [
        bare(emoji), GROUP[group], version, pattern(one), own.join(" "),
        annotation, words(tags, annotation, ...own), ru.annotation, words(ru.tags ?? [], ru.annotation),
      ].join("\t");
    });
}

/** For esbuild: what `import text from "emoji-data"` finds. */
export const emojiData = {
  name: "emoji-data",
  setup(builder) {
    builder.onResolve({ filter: /^emoji-data$/ }, ({ path }) => ({ path, namespace: "emoji-data" }));
    builder.onLoad({ filter: /.*/, namespace: "emoji-data" }, () => ({ contents: lines().join("\n"), loader: "text" }));
  },
};
