// Files on their way to the server: by HTTP, a few at a time, with progress, cancelled or tried again
// at will. A connection that breaks is no failure: the file is sent again from its beginning a moment
// later, and once more when there is a connection again.

import type { Params } from "./wire";

export interface Blob {
  id: string;
  name: string;
  media_type: string;
  bytes: number;
}

/** Why the server refused a file. */
export interface UploadFailure {
  key: string;
  message: string;
  params: Params;
}

export type UploadState = "uploading" | "done" | "failed";

const RETRY_MS = [1_000, 3_000, 8_000];
// The server takes a few more at once of a user, who may have another page open.
const AT_ONCE = 3;

/** Where files wait for their turn: those of a page share one. */
export class Lane {
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  /** Call `start` when it is its turn; `leave` afterwards. */
  enter(start: () => void): void {
    if (this.running < AT_ONCE) {
      this.running++;
      start();
    } else {
      this.waiting.push(start);
    }
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.running--;
  }

  /** No longer wait; false if its turn has come already. */
  forget(start: () => void): boolean {
    const at = this.waiting.indexOf(start);
    if (at >= 0) this.waiting.splice(at, 1);
    return at >= 0;
  }
}

/** Whether sending a file again at once would be in vain: it takes long, and says nothing meanwhile. */
function isFinal(status: number, error: UploadFailure | undefined): boolean {
  return error ? error.key !== "busy" : status < 500;
}

function refusedByProxy(status: number): UploadFailure {
  return { key: status === 413 ? "too_large" : "internal_error", message: `${status}`, params: {} };
}

export class Upload {
  state: UploadState = "uploading";
  progress = 0;
  blob: Blob | null = null;
  /** What the server said; null where it was not reached. */
  failure: UploadFailure | null = null;
  readonly file: File;
  private request: XMLHttpRequest | null = null;
  private tries = 0;
  private timer = 0;
  private inLane = false;
  private readonly lane: Lane;

  /** `changed` hears of its progress and its end; whoever goes on with it puts their own in its place. */
  constructor(file: File, lane: Lane, public changed: () => void) {
    this.file = file;
    this.lane = lane;
    lane.enter(this.send);
  }

  /** It failed because there was no connection: worth another try when there is one. */
  get lost(): boolean {
    return this.state === "failed" && this.failure === null;
  }

  retry(): void {
    if (this.state !== "failed") return;
    this.tries = 0;
    this.progress = 0;
    this.state = "uploading";
    this.failure = null;
    this.lane.enter(this.send);
    this.changed();
  }

  cancel(): void {
    clearTimeout(this.timer);
    if (this.lane.forget(this.send)) return;
    if (this.request) this.request.onabort = null;
    this.request?.abort();
    this.leave();
  }

  private readonly send = (): void => {
    this.inLane = true;
    const request = new XMLHttpRequest();
    this.request = request;
    request.upload.onprogress = ({ loaded, total }) => {
      this.progress = total ? loaded / total : 0;
      this.changed();
    };
    request.onload = () => this.answered(request);
    request.onerror = () => this.broken();
    request.open("POST", "/blobs");
    const form = new FormData();
    form.append("file", this.file, this.file.name || "file");
    request.send(form);
  };

  private answered(request: XMLHttpRequest): void {
    let answer: { error?: UploadFailure } & Partial<Blob> = {};
    try {
      answer = JSON.parse(request.responseText) as typeof answer;
    } catch {
      // A proxy's page: the status says enough.
    }
    if (request.status === 201 && answer.id) {
      this.blob = answer as Blob;
      this.progress = 1;
      this.end("done");
    } else if (isFinal(request.status, answer.error) || !this.again()) {
      this.failure = answer.error ?? refusedByProxy(request.status);
      this.end("failed");
    }
  }

  private broken(): void {
    if (!this.again()) this.end("failed");
  }

  private end(state: UploadState): void {
    this.state = state;
    this.leave();
    this.changed();
  }

  private leave(): void {
    if (this.inLane) this.lane.leave();
    this.inLane = false;
  }

  private again(): boolean {
    const wait = RETRY_MS[this.tries++];
    if (wait === undefined) return false;
    this.timer = window.setTimeout(this.send, wait);
    return true;
  }
}

/** Which part of the bytes of these files has arrived. */
export function progressOf(uploads: readonly Upload[]): number {
  // An empty file has a way to go too.
  const of = ({ file }: Upload) => Math.max(1, file.size);
  const all = uploads.reduce((sum, upload) => sum + of(upload), 0);
  return all && uploads.reduce((sum, upload) => sum + upload.progress * of(upload), 0) / all;
}
