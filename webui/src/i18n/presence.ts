// How it is said when somebody was last seen, and who types.

import type { Texts } from "./texts";
import { dayNumber, type Times } from "./time";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
// Older times are told to the day.
const EXACT_MS = 2 * 86_400_000;

/** When somebody was last seen; `atMs` is rounded, or missing where it is not known. */
export function lastSeen(atMs: number | undefined, times: Times, texts: Texts, nowMs = Date.now()): string {
  const agoMs = nowMs - (atMs ?? nowMs);
  // A clock that is behind the server's, too.
  if (atMs === undefined || agoMs < MINUTE_MS) return texts.t("seen_recently");
  if (agoMs < HOUR_MS) return texts.t("seen_minutes", { n: Math.floor(agoMs / MINUTE_MS) });
  const day = dayNumber(atMs);
  if (agoMs < EXACT_MS && day === dayNumber(nowMs)) return texts.t("seen_at", { time: times.time(atMs) });
  if (agoMs < EXACT_MS && day === dayNumber(new Date(nowMs).setHours(0, 0, 0, 0) - 1)) {
    return texts.t("seen_yesterday", { time: times.time(atMs) });
  }
  return texts.t("seen_on", { day: times.moment(atMs, "day", nowMs) });
}

/** Who types: in a direct conversation nobody needs to be named. */
export function typingIn([name = "", other = "", ...more]: readonly string[], group: boolean, texts: Texts): string {
  if (!group) return texts.t("typing");
  if (more.length) return texts.t("typing_many", { n: more.length + 2 });
  return texts.t(other ? "typing_two" : "typing_one", { name, other });
}
