// Owns the only WebSocket: requests, notifications, coming back. Knows nothing of what is said.
// While it is not open, calls fail at once; whoever wants to try again waits for `onOpen`.

import { NoAnswer, type Params, Refusal } from "./wire";

const PROTOCOL = "dash-messenger.1";
const CONNECT_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 10_000;
const FIRST_DELAY_MS = 400;
const MAX_DELAY_MS = 15_000;
// After sleep, or behind a proxy that forgot it, a dead connection looks open: one that was silent for so long is asked
// for a sign of life. All three together are below 45 s.
const SILENT_AFTER_MS = 25_000;
const WATCH_EVERY_MS = 5_000;
const PROBE_TIMEOUT_MS = 8_000;
// What the server asks to wait for is waited for here, up to this long; then the caller is told.
const LONGEST_WAIT_MS = 30_000;
// Asked again after a rate limit: reading, and what names itself by a `client_id` or says a position.
const REPEATABLE = /^(sync|log\.read|message\.(history|get)|conversation\.(get|members)|user\.get|read\.advance|plugin\.list|account\.get|presence\.watch)$/;

export interface SocketEvents {
  onOpen(): void;
  onDown(): void;
  onNotification(method: string, params: unknown): void;
  /** The server said not to come back (close codes 4100 to 4199). */
  onRefused(code: number): void;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
  timer: number;
}

export class Socket {
  private socket: WebSocket | null = null;
  private open = false;
  private stopped = false;
  private attempts = 0;
  private nextId = 1;
  private heardAt = 0;
  private probe: Promise<boolean> | null = null;
  private retryTimer = 0;
  private connectTimer = 0;
  private readonly waiting = new Map<number, Waiting>();
  private readonly url: string;
  private readonly events: SocketEvents;

  constructor(url: string, events: SocketEvents) {
    this.url = url;
    this.events = events;
  }

  start(): void {
    addEventListener("online", () => this.comeBack());
    addEventListener("offline", () => this.drop(MAX_DELAY_MS));
    addEventListener("pageshow", (event) => event.persisted && this.comeBack());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.comeBack();
    });
    setInterval(() => this.watch(), WATCH_EVERY_MS);
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.drop(MAX_DELAY_MS);
  }

  /**
   * The result of a command. Reading that meets a rate limit is asked again when the server says.
   *
   * Throws `Refusal` where the server says no, `NoAnswer` where it says nothing in time.
   */
  async call<T>(method: string, params: unknown, timeoutMs = CALL_TIMEOUT_MS): Promise<T> {
    for (let waitedMs = 0; ; ) {
      try {
        return await this.ask<T>(method, params, timeoutMs);
      } catch (error) {
        const afterMs = error instanceof Refusal ? error.retryAfterMs : 0;
        if (!afterMs || !REPEATABLE.test(method) || waitedMs + afterMs > LONGEST_WAIT_MS) throw error;
        waitedMs += afterMs;
        await new Promise((resolve) => setTimeout(resolve, afterMs * (1 + Math.random() / 4)));
      }
    }
  }

  private ask<T>(method: string, params: unknown, timeoutMs: number): Promise<T> {
    const socket = this.socket;
    if (!this.open || !socket) return Promise.reject(new NoAnswer(method));
    const id = this.nextId++;
    return new Promise<T>((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.waiting.delete(id);
        reject(new NoAnswer(method));
      }, timeoutMs);
      this.waiting.set(id, { resolve: resolve as (result: unknown) => void, reject, timer });
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  /** Give this connection up and open another. */
  restart(): void {
    this.drop(FIRST_DELAY_MS);
  }

  private connect(): void {
    clearTimeout(this.retryTimer);
    if (this.stopped || this.socket) return;
    const socket = new WebSocket(this.url, PROTOCOL);
    this.socket = socket;
    this.connectTimer = window.setTimeout(() => this.drop(this.delay()), CONNECT_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(this.connectTimer);
      this.open = true;
      this.heardAt = Date.now();
      this.events.onOpen();
    };
    socket.onmessage = (event) => {
      this.heardAt = Date.now();
      // The server refuses after accepting, since browsers cannot read why a handshake failed.
      this.attempts = 0;
      this.hear(event.data as string);
    };
    socket.onclose = (event) => {
      if (event.code >= 4100 && event.code < 4200) {
        this.stopped = true;
        this.drop(MAX_DELAY_MS);
        this.events.onRefused(event.code);
      } else {
        this.drop(this.delay());
      }
    };
  }

  private hear(frame: string): void {
    const said = JSON.parse(frame) as {
      id?: number;
      method?: string;
      params?: unknown;
      result?: unknown;
      error?: { code: number; message: string; data?: { key?: string; retryable?: boolean; params?: Params } };
    };
    if (said.method !== undefined) {
      this.events.onNotification(said.method, said.params);
      return;
    }
    const waiting = this.waiting.get(said.id ?? 0);
    if (!waiting) return;
    this.waiting.delete(said.id ?? 0);
    clearTimeout(waiting.timer);
    if (said.error) {
      const { code, message, data } = said.error;
      waiting.reject(
        new Refusal(code, data?.key ?? "internal_error", message, data?.retryable ?? false, data?.params ?? {}),
      );
    } else {
      waiting.resolve(said.result);
    }
  }

  /** Forget the connection and try again after `delayMs`. A dead one may never say `close`. */
  private drop(delayMs: number): void {
    const socket = this.socket;
    const wasOpen = this.open;
    clearTimeout(this.connectTimer);
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.socket = null;
    this.open = false;
    for (const waiting of this.waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(new NoAnswer("closed"));
    }
    this.waiting.clear();
    if (wasOpen) this.events.onDown();
    clearTimeout(this.retryTimer);
    if (!this.stopped) this.retryTimer = window.setTimeout(() => this.connect(), delayMs);
  }

  private delay(): number {
    const full = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** this.attempts++);
    return full * (0.5 + Math.random() / 2);
  }

  private comeBack(): void {
    if (!this.socket) {
      this.attempts = 0;
      this.connect();
    } else {
      this.watch();
    }
  }

  private watch(): void {
    // A clock that was set back says nothing of how long it was.
    if (Math.abs(Date.now() - this.heardAt) >= SILENT_AFTER_MS) void this.alive();
  }

  /** Whether the connection shows a sign of life; whatever is heard is one. Without it another is opened. */
  alive(): Promise<boolean> {
    const { socket, heardAt } = this;
    if (!this.open) return Promise.resolve(false);
    return (this.probe ??= this.ask("account.get", {}, PROBE_TIMEOUT_MS)
      .then(() => true, () => {
        if (this.socket !== socket) return false;
        if (this.heardAt === heardAt) this.restart();
        return this.open;
      })
      .finally(() => (this.probe = null)));
  }
}
