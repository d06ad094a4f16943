// How somebody is and who types, in words; a dot on the photo of who is there. Nothing here is announced.

import * as React from "react";
import { type ReactNode, useEffect, useReducer, useRef } from "react";
import { lastSeen, typingIn } from "../i18n/presence";
import { nameOf } from "../state/people";
import { useTopic, useUsers } from "./hooks";
import type { Messenger } from "./messenger";

// "5 minutes ago" is another sentence a minute later.
const AGAIN_MS = 30_000;

/** How somebody is, while it is shown and they show it; else `instead`. */
export function Status({ app, id, instead }: { app: Messenger; id: string; instead: ReactNode }) {
  const { presences, store, texts } = app;
  const [, again] = useReducer((times: number) => times + 1, 0);
  useEffect(() => presences.show(id), [id]);
  const presence = useTopic(store.topics, `presence:${id}`, () => presences.of(id));
  const away = presence && !presence.online;
  useEffect(() => {
    if (!away) return;
    const timer = setInterval(again, AGAIN_MS);
    return () => clearInterval(timer);
  }, [away]);
  if (!presence) return <>{instead}</>;
  return presence.online ? <span className="dm-status-online">{texts.t("online")}</span> : <>{lastSeen(presence.last_seen_ms, app.times, texts)}</>;
}

/** Who types in a conversation; else `instead`. */
export function TypingOr({ app, id, instead }: { app: Messenger; id: string; instead: ReactNode }) {
  const { presences, store, texts } = app;
  const those = useTopic(store.topics, `typing:${id}`, () => presences.typing(id));
  const users = useUsers(app);
  const names = () => those.map((one) => nameOf(one, users, texts));
  const words = those.length && typingIn(names(), store.conversation(id)?.kind === "group", texts);
  return words ? <span className="dm-typing">{words}</span> : <>{instead}</>;
}

/** On somebody's photo, while they are there. */
export function OnlineDot({ id }: { id: string }) {
  // Other scripts draw photos too, with no copy of the messenger; all that asks for a dot is drawn after its start.
  const app = window.dashMessenger;
  return app ? <Dot app={app} id={id} /> : null;
}

function Dot({ app: { presences, store }, id }: { app: Messenger; id: string }) {
  const dot = useRef<HTMLElement>(null);
  useEffect(() => presences.shownBy(dot.current!, id), [id]);
  const on = useTopic(store.topics, `presence:${id}`, () => !!presences.of(id)?.online);
  return <i ref={dot} className="dm-dot" data-on={on || undefined} />;
}
