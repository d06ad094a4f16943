// What the components read of the messenger.

import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Conversation, User } from "../net/wire";
import type { Notes, Outgoing, Window } from "../state/store";
import type { Topics } from "../state/topics";
import type { Messenger } from "./messenger";

const SKELETON_AFTER_MS = 200;
const OFFLINE_AFTER_MS = 2_000;

/** What `read` returns, read again whenever `topic` changes. `read` must return the same while nothing changed. */
export function useTopic<T>(topics: Topics, topic: string, read: () => T): T {
  const subscribe = useCallback((listener: () => void) => topics.subscribe(topic, listener), [topics, topic]);
  return useSyncExternalStore(subscribe, read);
}

/** While `close` is given, the browser's Back calls it: see `Layers`. */
export function useLayer(app: Messenger, close: (() => boolean | void) | null): void {
  const latest = useRef(close);
  latest.current = close;
  useEffect(() => (latest.current ? app.route.layers.add(() => latest.current?.()) : undefined), [!close]);
}

export const useOpened = (app: Messenger): string | null =>
  useTopic(app.store.topics, "route", () => app.route.conversation);

export const useList = (app: Messenger): readonly Conversation[] =>
  useTopic(app.store.topics, "list", () => app.store.listed());

export const useSynced = (app: Messenger): boolean => useTopic(app.store.topics, "list", () => app.store.synced);

export const useUsers = (app: Messenger): Readonly<Record<string, User>> =>
  useTopic(app.store.topics, "users", () => app.store.users);

/** Whether the server takes photos of people and groups. */
export const usePortraits = (app: Messenger): boolean =>
  useTopic(app.store.topics, "portraits", () => app.store.portraits);

/** Another number on another day: what says "today" is drawn again. */
export const useToday = (app: Messenger): number => useTopic(app.store.topics, "today", () => app.today.stamp);

export const useOnline = (app: Messenger): boolean => useTopic(app.store.topics, "online", () => app.store.online);

export const useConversation = (app: Messenger, id: string): Conversation | undefined =>
  useTopic(app.store.topics, `conversation:${id}`, () => app.store.conversation(id));

export const useWindow = (app: Messenger, id: string): Window =>
  useTopic(app.store.topics, `window:${id}`, () => app.store.window(id));

export const useNotes = (app: Messenger, id: string): Notes =>
  useTopic(app.store.topics, `notes:${id}`, () => app.store.notes(id));

export const useOutbox = (app: Messenger, id: string): readonly Outgoing[] =>
  useTopic(app.store.topics, `outbox:${id}`, () => app.store.outbox(id));

/** Whether `what` has been so for a while: skeletons and banners do not flash. */
export function useLasting(what: boolean, afterMs = SKELETON_AFTER_MS): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    if (!what) return setLasting(false);
    const timer = setTimeout(() => setLasting(true), afterMs);
    return () => clearTimeout(timer);
  }, [what, afterMs]);
  return what && lasting;
}

export const useOffline = (app: Messenger): boolean => useLasting(!useOnline(app), OFFLINE_AFTER_MS);
