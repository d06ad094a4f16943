// The emoji: their groups, what is found by words, what a name stands for, and what this browser keeps
// of a user's choice. A script of its own, loaded when it is first needed; of the page it asks only
// which emoji its fonts can draw.

import lines from "emoji-data";

/** One to choose: `id` is how it is kept, `text` how it is shown and written, in the user's skin tone. */
export interface Choice {
  id: string;
  label: string;
  text: string;
}

export interface Group {
  id: string;
  label: string;
  /** The address of a drawing of 24 px. */
  mask: string;
  items: Choice[];
}

/** What is offered for a name that is being typed. */
export interface Suggestion {
  id: string;
  text: string;
  name: string;
}

type Language = "en" | "ru";

interface Emoji {
  text: string;
  group: number;
  version: number;
  /** With a star for each skin tone; empty where it has none. */
  toned: string;
  /** As they stand between colons, folded, the English ones first. */
  names: readonly string[];
  labels: Readonly<Record<Language, string>>;
  /** Words that it is called by, and others that it is found by, folded. */
  called: readonly string[];
  found: readonly string[];
}

const TONES = ["", "🏻", "🏼", "🏽", "🏾", "🏿"];
// Two rows of the panel.
const MOST_RECENT = 16;
const MOST_FOUND = 200;
const MOST_SUGGESTED = 6;
// One of each version, which fonts learn as a whole; all draw what is older.
const SAMPLES: readonly (readonly [number, string])[] = [
  [17, "🫪"], [16, "🫩"], [15.1, "🫨"], [14, "🫠"], [13.1, "🥲"], [12.1, "🥻"], [11, "🥰"],
];
const OLD = 5;
const SINGLE = "😀";
const JOINER = "\u200d";

// The words of the panel that belong to the data, in the languages of the data.
const GROUPS: Record<Language, readonly string[]> = {
  en: ["Used lately", "Smileys and people", "Animals and nature", "Food and drink", "Activities", "Travel and places", "Objects and symbols", "Flags"],
  ru: ["Недавние", "Смайлики и люди", "Животные и природа", "Еда и напитки", "Занятия", "Путешествия и места", "Предметы и символы", "Флаги"],
};
const FOUND: Record<Language, string> = { en: "Found", ru: "Найдено" };
const TONE_NAMES: Record<Language, readonly string[]> = {
  en: ["Yellow skin", "Light skin", "Medium-light skin", "Medium skin", "Medium-dark skin", "Dark skin"],
  ru: ["Жёлтая кожа", "Светлая кожа", "Умеренно светлая кожа", "Кожа среднего тона", "Умеренно тёмная кожа", "Тёмная кожа"],
};
// Tabler icons (MIT): clock, mood-smile, cat, cup, ball-football, home, bulb, flag.
const DRAWINGS = [
  "M3 12a9 9 0 1 0 18 0a9 9 0 0 0-18 0M12 7v5l3 3",
  "M3 12a9 9 0 1 0 18 0a9 9 0 0 0-18 0M9 10h.01M15 10h.01M9.5 15a3.5 3.5 0 0 0 5 0",
  "M20 3v10a8 8 0 1 1-16 0v-10l3.432 3.432a7.963 7.963 0 0 1 4.568-1.432c1.769 0 3.403.574 4.728 1.546l3.272-3.546M2 16h5l-4 4M22 16h-5l4 4M11 16a1 1 0 1 0 2 0a1 1 0 1 0-2 0M9 11v.01M15 11v.01",
  "M5 11h14v-3h-14zM17.5 11l-1.5 10h-8l-1.5-10M6 8v-1a2 2 0 0 1 2-2h8a2 2 0 0 1 2 2v1M15 5v-2",
  "M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0M12 7l4.76 3.45l-1.76 5.55h-6l-1.76-5.55zM12 7v-4M15 16l2.5 3M16.76 10.45l4.24-1.45M9.06 16.05l-2.56 2.95M7.24 10.45l-4.24-1.45",
  "M5 12h-2l9-9l9 9h-2M5 12v7a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2v-7M9 21v-6a2 2 0 0 1 2-2h2a2 2 0 0 1 2 2v6",
  "M3 12h1M12 3v1M20 12h1M5.6 5.6l.7.7M18.4 5.6l-.7.7M9 16a5 5 0 1 1 6 0a3.5 3.5 0 0 0-1 3a2 2 0 0 1-4 0a3.5 3.5 0 0 0-1-3M9.7 17h4.6",
  "M5 5a5 5 0 0 1 7 0a5 5 0 0 0 7 0v9a5 5 0 0 1-7 0a5 5 0 0 0-7 0zM5 21v-7",
];

const all = lines.split("\n").map(parse);
const byText = new Map(all.map((emoji) => [emoji.text, emoji]));
const byName = new Map(all.flatMap((emoji) => emoji.names.map((name) => [name, emoji] as const)));
const drawn = all.filter(drawable());

/** What was used lately, then all by their groups; or what is found by the words of a query. */
export function groups(user: string, language: string, query: string): Group[] {
  const own = read(language);
  const choices = (some: readonly Emoji[]) => some.map((emoji) => ({ id: emoji.text, label: emoji.labels[own], text: inTone(emoji, tone(user)) }));
  const found = find(query).slice(0, MOST_FOUND);
  const parts = query.trim()
    ? [{ id: "found", label: FOUND[own], mask: "", items: choices(found) }]
    : GROUPS[own].map((label, at) => ({
        id: String(at), label, mask: mask(DRAWINGS[at]!),
        items: choices(at ? drawn.filter(({ group }) => group === at - 1) : recent(user)),
      }));
  return parts.filter(({ items }) => items.length);
}

/** What fits a name that is being typed, what has such a name before others; of these, what was used lately first. */
export function suggest(user: string, language: string, typed: string): Suggestion[] {
  const start = fold(typed);
  const lately = recent(user);
  return ranked(start.replaceAll("_", " "))
    .map(({ emoji, rank }) => ({ emoji, rank: rank && emoji.names.some((name) => name.startsWith(start)) ? 1 : rank && rank + 1 }))
    .sort((a, b) => a.rank - b.rank || Number(lately.includes(b.emoji)) - Number(lately.includes(a.emoji)))
    .slice(0, MOST_SUGGESTED)
    .map(({ emoji }) => {
      const names = read(language) === "ru" ? [...emoji.names].reverse() : emoji.names;
      const fitting = names.filter((name) => name.startsWith(start)).sort((a, b) => a.length - b.length);
      return { id: emoji.text, text: inTone(emoji, tone(user)), name: fitting[0] ?? names[0]! };
    });
}

/** The emoji that has this name; null where none has. */
export function named(user: string, name: string): Omit<Suggestion, "name"> | null {
  const emoji = byName.get(fold(name));
  return emoji ? { id: emoji.text, text: inTone(emoji, tone(user)) } : null;
}

/** The skin tones from none to the darkest: what each is called, and looks like. */
export function tones(language: string): { label: string; text: string }[] {
  return TONE_NAMES[read(language)].map((label, at) => ({ label, text: `✋${TONES[at]}` }));
}

/** Which skin tone the user has chosen. */
export function tone(user: string): number {
  const kept = Number(recall(user, "tone"));
  return kept in TONES ? kept : 0;
}

export function setTone(user: string, tone: number): void {
  keep(user, "tone", String(tone));
}

/** An emoji was used: it stands before the others that were used lately. */
export function use(user: string, id: string): void {
  const others = recent(user).map(({ text }) => text).filter((text) => text !== id);
  keep(user, "recent", [id, ...others].slice(0, MOST_RECENT).join(" "));
}

function recent(user: string): Emoji[] {
  return recall(user, "recent").split(" ").flatMap((text) => byText.get(text) ?? []);
}

function find(query: string): Emoji[] {
  return wordsOf(query).length ? ranked(query).map(({ emoji }) => emoji) : drawn.filter(({ text }) => text === query.trim());
}

/** Those that have a word with each beginning, those that are called so first. */
function ranked(query: string): { emoji: Emoji; rank: number }[] {
  const beginnings = wordsOf(query);
  const begins = (words: readonly string[]) => (start: string) => words.some((word) => word.startsWith(start));
  const whole = fold(query.trim());
  const rank = (emoji: Emoji) =>
    emoji.names.includes(whole.replace(/\s+/g, "_")) || Object.values(emoji.labels).some((label) => fold(label) === whole) ? 0
    : beginnings.every((start) => emoji.called.includes(start)) ? 1
    : beginnings.every(begins(emoji.called)) ? 2
    : beginnings.every(begins([...emoji.called, ...emoji.found])) ? 3
    : 4;
  return drawn
    .map((emoji) => ({ emoji, rank: rank(emoji) }))
    .filter(({ rank }) => rank < 4)
    .sort((a, b) => a.rank - b.rank);
}

function inTone({ text, toned }: Emoji, tone: number): string {
  return tone && toned ? toned.replaceAll("*", TONES[tone]!) : text;
}

function parse(line: string): Emoji {
  const [text, group, version, toned, names, en, enWords, ru, ruWords] = line.split("\t") as [string, ...string[]];
  const labels = { en: en!, ru: ru! };
  const english = names!.split(" ");
  return {
    text, group: Number(group), version: Number(version), toned: toned!, labels,
    names: [...english, wordsOf(ru!).join("_")],
    called: wordsOf([en, ru, ...english].join(" ")),
    found: wordsOf(`${enWords} ${ruWords}`),
  };
}

function wordsOf(text: string): string[] {
  return fold(text).split(/[^\p{L}\p{N}+]+/u).filter(Boolean);
}

/** Whichever way it is typed. */
function fold(text: string): string {
  return text.toLowerCase().replaceAll("ё", "е");
}

function read(language: string): Language {
  return language === "ru" ? "ru" : "en";
}

function mask(drawing: string): string {
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='#000' stroke-width='2.1' stroke-linecap='round' stroke-linejoin='round'><path d='${drawing}'/></svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
}

/** Which emoji the page's fonts draw as one picture, whatever colour it is written in. */
function drawable(): (emoji: Emoji) => boolean {
  const context = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (!context) return () => true;
  context.textBaseline = "top";
  context.font = "100px sans-serif";
  const width = context.measureText(SINGLE).width;
  context.scale(0.01, 0.01);
  const pixel = (text: string, colour: string) => {
    context.clearRect(0, 0, 100, 100);
    context.fillStyle = colour;
    context.fillText(text, 0, 0);
    return context.getImageData(0, 0, 1, 1).data.join();
  };
  const isDrawn = (text: string) => {
    const black = pixel(text, "#000");
    return !black.startsWith("0,0,0,") && black === pixel(text, "#fff");
  };
  // Where not even the oldest has a colour, pictures are drawn in black: all that is known of them is their width.
  const newest = isDrawn(SINGLE) ? SAMPLES.find(([, text]) => isDrawn(text))?.[0] ?? OLD : SAMPLES[0]![0];
  return ({ text, version }) => version <= newest && (!text.includes(JOINER) || context.measureText(text).width < 1.8 * width);
}

function recall(user: string, what: string): string {
  try {
    return localStorage.getItem(`dm:emoji:${user}:${what}`) ?? "";
  } catch {
    return "";
  }
}

function keep(user: string, what: string, value: string): void {
  try {
    localStorage.setItem(`dm:emoji:${user}:${what}`, value);
  } catch {
    // Without storage it is asked for again.
  }
}
