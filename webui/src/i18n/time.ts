// Times as this person reads them: in their language and time zone.

export class Times {
  private readonly clock: Intl.DateTimeFormat;
  private readonly whole: Intl.DateTimeFormat;
  private readonly dayOfYear: Intl.DateTimeFormat;
  private readonly dayOfOtherYear: Intl.DateTimeFormat;
  private readonly short: Intl.DateTimeFormat;
  private readonly weekday: Intl.DateTimeFormat;
  private readonly numeric: Intl.DateTimeFormat;

  constructor(language: string) {
    // Somebody who reads English in Europe expects 17:05: the browser's region decides.
    const region = navigator.language.startsWith(language) ? navigator.language : language;
    const make = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(region, options);
    this.clock = make({ hour: "2-digit", minute: "2-digit" });
    this.whole = make({ dateStyle: "full", timeStyle: "medium" });
    this.dayOfYear = make({ day: "numeric", month: "long" });
    this.dayOfOtherYear = make({ day: "numeric", month: "long", year: "numeric" });
    this.short = make({ day: "numeric", month: "short" });
    this.weekday = make({ weekday: "short" });
    this.numeric = make({ dateStyle: "short" });
  }

  time(atMs: number): string {
    return this.clock.format(atMs);
  }

  full(atMs: number): string {
    return this.whole.format(atMs);
  }

  /** A moment as a body asks for it: its time, its day, or both; nothing where it is no number. */
  moment(atMs: number, show = "both", nowMs = Date.now()): string {
    if (!Number.isFinite(atMs)) return "";
    if (show === "time") return this.time(atMs);
    const sameYear = new Date(atMs).getFullYear() === new Date(nowMs).getFullYear();
    const day = (sameYear ? this.dayOfYear : this.dayOfOtherYear).format(atMs);
    return show === "day" ? day : `${day}, ${this.time(atMs)}`;
  }

  /** The heading of a day; `today` and `yesterday` are words of the page's language. */
  day(atMs: number, today: string, yesterday: string, nowMs = Date.now()): string {
    const ago = daysBetween(atMs, nowMs);
    if (ago === 0) return today;
    if (ago === 1) return yesterday;
    const sameYear = new Date(atMs).getFullYear() === new Date(nowMs).getFullYear();
    return (sameYear ? this.dayOfYear : this.dayOfOtherYear).format(atMs);
  }

  /** As short as a row of the list has room for: a time, a weekday or a date. */
  brief(atMs: number, nowMs = Date.now()): string {
    const ago = daysBetween(atMs, nowMs);
    if (ago <= 0) return this.clock.format(atMs);
    if (ago < 7) return this.weekday.format(atMs);
    const sameYear = new Date(atMs).getFullYear() === new Date(nowMs).getFullYear();
    return (sameYear ? this.short : this.numeric).format(atMs);
  }
}

/** A number that differs between two times exactly when they lie on different local days. */
export function dayNumber(atMs: number): number {
  const date = new Date(atMs);
  return date.getFullYear() * 372 + date.getMonth() * 31 + date.getDate();
}

function daysBetween(atMs: number, nowMs: number): number {
  const midnight = (ms: number) => new Date(ms).setHours(0, 0, 0, 0);
  return Math.round((midnight(nowMs) - midnight(atMs)) / 86_400_000);
}
