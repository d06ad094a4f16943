// Ids of what is made here, and what stands for somebody without a photo: a colour and initials.

/** A new UUID of version 7 (RFC 9562, 5.7): ids made later sort later. */
export function newId(nowMs = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 5, rest = nowMs; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One of the eight author colours, the same for an id everywhere: its last two digits modulo 8. */
export function hue(id: string): number {
  return parseInt(id.slice(-2), 16) % 8 || 0;
}

/** One or two letters for an avatar. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0]!, words[words.length - 1]!] : words;
  return letters.map((word) => firstLetter(word)).join("").toLocaleUpperCase() || "?";
}

function firstLetter(word: string): string {
  // A flag or a family is several code points.
  const first = word.match(/[\p{L}\p{N}]/u)?.[0] ?? [...new Intl.Segmenter().segment(word)][0]?.segment ?? "";
  // Some emoji are drawn as letters unless one asks for the picture.
  return /^(?!\p{Emoji_Presentation})\p{Extended_Pictographic}$/u.test(first) ? `${first}\ufe0f` : first;
}
