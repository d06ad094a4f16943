// What people read of a file on its way: how large it is, and why it was not taken.

import type { Upload } from "../net/upload";
import type { Params } from "../net/wire";
import type { Texts } from "./texts";

/** A number of bytes for people: "3.4 MB". */
export function sizeOf(bytes: number, language: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let at = 0;
  let value = bytes;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  // What is short for bytes is written out in some languages: it is what "kB" ends with.
  const parts = new Intl.NumberFormat(language, {
    style: "unit",
    unit: units[at || 1]!,
    unitDisplay: "short",
    maximumFractionDigits: value < 10 && at ? 1 : 0,
  }).formatToParts(value);
  return parts.map((part) => (part.type === "unit" && !at ? part.value.slice(1) : part.value)).join("");
}

/** The name of a file, without what would turn its letters round. */
export function nameOf({ name }: { name: string }): string {
  return name.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
}

/** Why an upload failed, in the reader's language. */
export function reasonOf(texts: Texts, { failure }: Upload): string {
  if (!failure) return texts.t("upload_lost");
  const { key, params, message } = failure;
  return refusalOf(texts, { key, params: params ?? {}, sentence: message }) || texts.t("upload_failed");
}

/** Why the server refused a file, or a message with one: which file, where that is known. */
export function refusalOf(texts: Texts, { key, params, sentence }: { key: string; params: Params; sentence: string }): string {
  const limit = Number(params["max_bytes"]);
  const tooLarge = key === "too_large" && limit ? texts.t("file_too_large", { size: sizeOf(limit, texts.language) }) : undefined;
  const why = tooLarge ?? texts.failure(key, params) ?? sentence;
  return params["file"] ? `${params["file"]}: ${why}` : why;
}
