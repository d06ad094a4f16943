// The last page of each visited conversation and the list, kept in IndexedDB, so that a start shows
// something at once and without a connection. Only ever a hint: what the server says replaces it.
// One database a user; signing out deletes it.

import type { Conversation, DefaultRights, Message, User } from "../net/wire";

export const STORE = "kept";
const PAGE = 50;

export interface KeptList {
  conversations: Conversation[];
  users: Record<string, User>;
  rights?: DefaultRights;
}

export class Cache {
  private readonly name: string;
  private readonly database: Promise<IDBDatabase | null>;

  constructor(userId: string) {
    this.name = `dm-${userId}`;
    this.database = openDatabase(this.name);
  }

  list(): Promise<KeptList | undefined> {
    return this.get("list");
  }

  keepList(list: KeptList): Promise<void> {
    return this.put("list", list);
  }

  page(conversation: string): Promise<Message[] | undefined> {
    return this.get(`page:${conversation}`);
  }

  keepPage(conversation: string, messages: readonly Message[]): Promise<void> {
    return this.put(`page:${conversation}`, messages.slice(-PAGE));
  }

  /** Forget the messages of a conversation that the reader may no longer see. */
  dropPage(conversation: string): Promise<void> {
    return this.change((store) => store.delete(`page:${conversation}`));
  }

  /** Forget everything; resolves once it is gone, or will be when other tabs close. */
  async forget(): Promise<void> {
    (await this.database)?.close();
    await deleteDatabase(this.name);
  }

  private async get<T>(key: string): Promise<T | undefined> {
    const database = await this.database;
    return new Promise((resolve) => {
      try {
        const request = database!.transaction(STORE).objectStore(STORE).get(key);
        request.onsuccess = () => resolve(request.result as T | undefined);
        request.onerror = () => resolve(undefined);
      } catch {
        // There is none, or signing out has closed it.
        resolve(undefined);
      }
    });
  }

  private put(key: string, value: unknown): Promise<void> {
    return this.change((store) => store.put(value, key));
  }

  private async change(work: (store: IDBObjectStore) => void): Promise<void> {
    const database = await this.database;
    try {
      if (database) work(database.transaction(STORE, "readwrite").objectStore(STORE));
    } catch {
      // A full disk or a closed database costs the hint, nothing else.
    }
  }
}

export function openDatabase(name: string): Promise<IDBDatabase | null> {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => {
        // Another tab signs out: a connection that stays open would keep the database alive.
        request.result.onversionchange = () => request.result.close();
        resolve(request.result);
      };
      request.onerror = request.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
}

export function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = request.onerror = request.onblocked = () => resolve();
  });
}
