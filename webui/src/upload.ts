// Files on their way to the server: by HTTP, with progress, cancelled or tried again at will. A
// connection that breaks is no failure: the file is sent again from its beginning a moment later.

export interface Blob {
  id: string;
  name: string;
  media_type: string;
  bytes: number;
}

export type UploadState = "uploading" | "done" | "failed";

const RETRY_MS = [1_000, 3_000, 8_000];

export class Upload {
  state: UploadState = "uploading";
  progress = 0;
  blob: Blob | null = null;
  /** Why it failed: a sentence of the server's, or nothing. */
  reason = "";
  readonly file: File;
  private request: XMLHttpRequest | null = null;
  private tries = 0;
  private timer = 0;
  private readonly changed: () => void;

  constructor(file: File, changed: () => void) {
    this.file = file;
    this.changed = changed;
    this.send();
  }

  retry(): void {
    this.tries = 0;
    this.state = "uploading";
    this.reason = "";
    this.send();
    this.changed();
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.request?.abort();
  }

  private send(): void {
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
  }

  private answered(request: XMLHttpRequest): void {
    let answer: { error?: { message?: string } } & Partial<Blob> = {};
    try {
      answer = JSON.parse(request.responseText) as typeof answer;
    } catch {
      // A proxy's page: the status says enough.
    }
    if (request.status === 201 && answer.id) {
      this.state = "done";
      this.progress = 1;
      this.blob = answer as Blob;
    } else if (request.status >= 500 && this.again()) {
      return;
    } else {
      this.state = "failed";
      this.reason = answer.error?.message ?? "";
    }
    this.changed();
  }

  private broken(): void {
    if (this.again()) return;
    this.state = "failed";
    this.changed();
  }

  private again(): boolean {
    const wait = RETRY_MS[this.tries++];
    if (wait === undefined) return false;
    this.timer = window.setTimeout(() => this.send(), wait);
    return true;
  }
}

/** A number of bytes for people: "3.4 MB". */
export function sizeOf(bytes: number, language: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let at = 0;
  let value = bytes;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: units[at]!,
    unitDisplay: "short",
    maximumFractionDigits: value < 10 && at ? 1 : 0,
  }).format(value);
}
