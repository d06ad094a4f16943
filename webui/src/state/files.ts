// Files of messages that were sent before they had arrived: kept in IndexedDB, which outlives the page,
// until they are on the server. Where the browser keeps none they live as long as the page, and the
// page says so. One database a user; signing out deletes it.

import { Lane, progressOf, Upload, type UploadFailure } from "../net/upload";
import { deleteDatabase, openDatabase, STORE } from "./cache";
import type { Topics } from "./topics";

/** By the names that stand for them in the message's content until they have a blob. */
export type Files = Readonly<Record<string, File>>;

/** Those of them that are on their way already, by the same names. */
export type Begun = Readonly<Record<string, Upload>>;

/** What goes with a message of files besides them. */
export interface Sending {
  begun?: Begun;
  /** What stands in the row until the server's drawing is there: of pictures by object URLs. */
  drawn?: readonly Node[] | null;
}

/** What became of a file on its way. */
export interface Uploaded {
  name: string;
  /** The blob's id; missing where the server did not take it. */
  blob?: string;
  /** Why the server refused it; missing too where it was not reached. */
  failure?: UploadFailure | null;
}

// Until then the server's own pictures have come, or somebody looks elsewhere.
const DRAWN_FOR_MS = 60_000;

/** Topic: "files:CLIENTID". */
export class UnsentFiles {
  private readonly files = new Map<string, Files>();
  private readonly unkept = new Set<string>();
  private readonly sketches = new Map<string, readonly Node[]>();
  private readonly begun = new Map<string, Begun>();
  private readonly running = new Map<string, { upload: Upload; end(): void }[]>();
  /** Where all files of the page wait for their turn. */
  readonly lane = new Lane();
  private readonly name: string;
  private readonly database: Promise<IDBDatabase | null>;

  constructor(
    userId: string,
    private readonly topics: Topics,
    // A test has no database.
    open: typeof openDatabase = openDatabase,
  ) {
    this.name = `dm-outbox-${userId}`;
    this.database = open(this.name);
    addEventListener("beforeunload", (event) => this.unkept.size && event.preventDefault());
  }

  of(clientId: string): Files | undefined {
    return this.files.get(clientId);
  }

  /** What the browser has drawn of a message that is on its way, where it could. */
  drawn(clientId: string): readonly Node[] | undefined {
    return this.sketches.get(clientId);
  }

  keepDrawn(clientId: string, nodes: readonly Node[]): void {
    this.sketches.set(clientId, nodes);
  }

  private forgetDrawn(clientId: string): void {
    const nodes = this.sketches.get(clientId);
    if (!nodes) return;
    this.sketches.delete(clientId);
    setTimeout(() => {
      const pictures = nodes.flatMap((node) => [...(node as Element).querySelectorAll("img")]);
      for (const { src } of pictures) URL.revokeObjectURL(src);
    }, DRAWN_FOR_MS);
  }

  /** Whether the files of a message would be lost with the page. */
  isUnkept(clientId: string): boolean {
    return this.unkept.has(clientId);
  }

  /** How much of a message's files has arrived, from 0 to 1. */
  progress(clientId: string): number {
    return progressOf((this.running.get(clientId) ?? []).map(({ upload }) => upload));
  }

  /** Keep the files of a message; those that are on their way already go on. */
  async put(clientId: string, files: Files, begun: Begun = {}): Promise<void> {
    this.files.set(clientId, files);
    this.begun.set(clientId, begun);
    for (const upload of Object.values(begun)) upload.changed = () => undefined;
    this.unkept.add(clientId);
    if (!(await this.change((store) => store.put(files, clientId)))) return;
    this.unkept.delete(clientId);
    this.topics.touch(`files:${clientId}`);
  }

  /** Take up what an earlier page kept for a message; whether there is anything. */
  async recall(clientId: string): Promise<boolean> {
    const database = await this.database;
    const found = database && (await new Promise<Files | undefined>((resolve) => {
      const request = database.transaction(STORE).objectStore(STORE).get(clientId);
      request.onsuccess = () => resolve(request.result as Files | undefined);
      request.onerror = () => resolve(undefined);
    }));
    if (found && !this.files.has(clientId)) this.files.set(clientId, found);
    this.topics.touch(`files:${clientId}`);
    return this.files.has(clientId);
  }

  remove(clientId: string): void {
    this.forgetDrawn(clientId);
    for (const { upload, end } of this.running.get(clientId) ?? []) {
      upload.cancel();
      end();
    }
    for (const upload of Object.values(this.begun.get(clientId) ?? {})) upload.cancel();
    this.begun.delete(clientId);
    if (!this.files.delete(clientId) && !this.unkept.has(clientId)) return;
    this.unkept.delete(clientId);
    void this.change((store) => store.delete(clientId));
  }

  /** Upload these files of a message; what is cancelled meanwhile has neither a blob nor a failure. */
  async upload(clientId: string, names: readonly string[]): Promise<Uploaded[]> {
    const files = this.of(clientId) ?? {};
    const begun = this.begun.get(clientId) ?? {};
    this.begun.delete(clientId);
    const all = names.map((name) => new Promise<Uploaded>((resolve) => {
      const file = files[name];
      if (!file) return resolve({ name });
      const end = () => resolve({ name, blob: upload.blob?.id, failure: upload.failure } as Uploaded);
      const changed = () => {
        this.topics.touch(`files:${clientId}`);
        if (upload.state !== "uploading") end();
      };
      const upload = begun[name] ?? new Upload(file, this.lane, changed);
      upload.changed = changed;
      if (upload.lost) upload.retry();
      this.running.set(clientId, [...(this.running.get(clientId) ?? []), { upload, end }]);
      if (upload.state !== "uploading") end();
    }));
    try {
      return await Promise.all(all);
    } finally {
      this.running.delete(clientId);
    }
  }

  async forget(): Promise<void> {
    this.unkept.clear();
    (await this.database)?.close();
    await deleteDatabase(this.name);
  }

  /** Whether it was done: a disk may be full, a private window keeps nothing. */
  private async change(work: (store: IDBObjectStore) => void): Promise<boolean> {
    const database = await this.database;
    if (!database) return false;
    return new Promise((resolve) => {
      try {
        const transaction = database.transaction(STORE, "readwrite");
        transaction.oncomplete = () => resolve(true);
        transaction.onerror = transaction.onabort = () => resolve(false);
        work(transaction.objectStore(STORE));
      } catch {
        // Signing out in another tab closed it.
        resolve(false);
      }
    });
  }
}
