// Finds people as one types: the server's search, and who is called exactly so where that looks at some only.
// Invariant: what is shown is the answer to the newest question; one that is overtaken changes nothing.

import type { PeopleFound, PersonFound, User } from "../net/wire";

const PAUSE_MS = 200;
const MOST = 50;
// As the server has it.
const USER_NAME = /^[a-z0-9][a-z0-9._-]{1,31}$/i;

type Call = <T>(command: string, params: unknown) => Promise<T>;

export class PeopleSearch {
  query = "";
  /** Who was found, of `answered`; null while nothing is asked for or nobody has answered yet. */
  found: PeopleFound | null = null;
  /** Why there is no answer. */
  failed: unknown = null;
  private answered = "";
  private round = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly call: Call,
    private readonly changed: () => void,
    private readonly pauseMs = PAUSE_MS,
  ) {}

  /** What somebody has typed so far: asked for after a pause. */
  type(query: string): void {
    this.stop();
    this.query = query;
    this.failed = null;
    if (this.wanted) this.timer = setTimeout(() => void this.ask(), this.pauseMs);
    else this.found = null;
    this.changed();
  }

  /** Ask now; what is asked for when the answer comes is not this any more if something was typed meanwhile. */
  async ask(): Promise<void> {
    this.stop();
    const { round, wanted } = this;
    if (!wanted) return;
    try {
      const found = await this.find(wanted);
      if (round !== this.round) return;
      this.found = found;
      this.answered = wanted;
      this.failed = null;
    } catch (error) {
      if (round !== this.round) return;
      this.found = null;
      this.failed = error;
    }
    this.changed();
  }

  /** Whether what was found is of what is typed now. */
  get isAnswered(): boolean {
    return this.found !== null && this.answered === this.wanted;
  }

  /** Who is called exactly as is typed. */
  get exact(): PersonFound | undefined {
    return this.isAnswered ? this.found?.users.find((user) => isCalled(user, this.wanted)) : undefined;
  }

  /** Forget what is under way. */
  stop(): void {
    clearTimeout(this.timer);
    this.round++;
  }

  private get wanted(): string {
    return this.query.trim();
  }

  private async find(query: string): Promise<PeopleFound> {
    const found = await this.call<PeopleFound>("user.search", { query, limit: MOST });
    const name = query.replace(/^@/, "");
    const looksAtSome = !found.everybody || found.users.length === MOST;
    if (!looksAtSome || !USER_NAME.test(name) || found.users.some((user) => isCalled(user, name))) return found;
    const { users } = await this.call<{ users: User[] }>("user.get", { users: [name] });
    return { ...found, users: [...users.filter((user) => isCalled(user, name)), ...found.users] };
  }
}

function isCalled({ username }: User, typed: string): boolean {
  return username.toLowerCase() === typed.replace(/^@/, "").toLowerCase();
}
