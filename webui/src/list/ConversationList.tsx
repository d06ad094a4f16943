import * as React from "react";
import { type KeyboardEvent, type ReactElement, useEffect, useRef, useState } from "react";
import type { Conversation, User } from "../net/wire";
import type { Catalogue } from "../i18n/texts";
import { choose, chosen } from "../state/device";
import { draftOf } from "../state/drafts";
import { faceOf, photoOf, titleOf } from "../state/people";
import { elsewhere, inOneLine, type Line } from "../state/spoken";
import { activity } from "../state/store";
import { Avatar } from "../parts/Avatar";
import { Banner } from "../parts/Banner";
import { useLasting, useList, useOnline, useOpened, useSynced, useToday, useTopic, useUsers } from "../parts/hooks";
import { Icon, IconButton } from "../parts/icons";
import { type Messenger, useMessenger } from "../parts/messenger";
import { Spoken } from "../parts/Spoken";

const NARROWEST_PX = 280;
const WIDEST_PX = 480;
const STEP_PX = 16;
const MAX_BADGE = 999;
// What comes in other chats within this time is said together.
const SAID_AFTER_MS = 3_000;
const SAID_AT_ONCE = 3;

/** The list of conversations, with the buttons that start new ones and the connection's banner. */
export interface ConversationListProps {
  /** The component's id. */
  id?: string;
  /** Who is signed in. */
  me?: User;
  /** The language of the page, such as `en`. */
  language?: string;
  /** The words in that language, by the keys of texts.json. */
  texts?: Catalogue;
  /** What each message type is called, by its name; `{text}` in it stands for the text of a message. */
  labels?: Record<string, string>;
  /** The address of each message type's own script, for those that have one. */
  modules?: Record<string, string>;
  /** How often "New chat" was pressed: a callback opens its dialog. */
  new_chat_clicks?: number;
  /** How often "New group" was pressed. */
  new_group_clicks?: number;
  /** How often the menu button was pressed. */
  menu_clicks?: number;
  /** Set by a callback to a conversation's id, it is opened; then it is null again. */
  open_conversation?: string | null;
  setProps?(props: Partial<ConversationListProps>): void;
}

export function ConversationList(props: ConversationListProps): ReactElement | null {
  const app = useMessenger(props);
  return app ? <Chats {...props} app={app} /> : null;
}

function Chats(props: ConversationListProps & { app: Messenger }) {
  const { app, setProps, open_conversation: wanted } = props;
  const { new_chat_clicks = 0, new_group_clicks = 0, menu_clicks = 0 } = props;
  const { texts } = app;
  const list = useList(app);
  const synced = useSynced(app);
  const opened = useOpened(app);
  const users = useUsers(app);
  const today = useToday(app);
  const waiting = useLasting(!synced && !list.length);
  const rows = useRef<HTMLUListElement>(null);

  useEffect(() => {
    if (!wanted) return;
    app.route.open(wanted);
    setProps?.({ open_conversation: null });
  }, [wanted]);

  const newChat = () => setProps?.({ new_chat_clicks: new_chat_clicks + 1 });
  const newGroup = () => setProps?.({ new_group_clicks: new_group_clicks + 1 });
  app.begin = { chat: newChat, group: newGroup };

  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const links = [...(rows.current?.querySelectorAll("a") ?? [])];
    const at = links.indexOf(document.activeElement as HTMLAnchorElement);
    const target = links[Math.max(0, Math.min(links.length - 1, at + step))];
    if (!target) return;
    event.preventDefault();
    target.focus();
  };

  return (
    <nav className="dm-list" aria-label={texts.t("chats")}>
      <header className="dm-header">
        <IconButton icon="menu" label={texts.t("menu")} onClick={() => setProps?.({ menu_clicks: menu_clicks + 1 })} />
        <h1>{texts.t("chats")}</h1>
        <IconButton
          icon="newGroup"
          label={texts.t("new_group")}
          onClick={newGroup}
        />
        <IconButton icon="newChat" label={texts.t("new_chat")} onClick={newChat} />
      </header>
      {list.length ? (
        <ul ref={rows} className="dm-chats" onKeyDown={move}>
          {list.map((conversation) => (
            <ChatRow
              key={conversation.id}
              app={app}
              conversation={conversation}
              users={users}
              today={today}
              selected={conversation.id === opened}
            />
          ))}
        </ul>
      ) : synced ? (
        <div className="dm-notice">
          <p>{texts.t("no_chats")}</p>
          <button type="button" className="dm-button" onClick={newChat}>
            {texts.t("new_chat")}
          </button>
          <p>{texts.t("found_as", { name: app.store.me.username })}</p>
        </div>
      ) : (
        waiting && <ListSkeleton />
      )}
      <Resizer label={texts.t("resize")} />
      <Banner app={app} />
      <Elsewhere app={app} />
    </nav>
  );
}

interface ChatRowProps {
  app: Messenger;
  conversation: Conversation;
  users: Readonly<Record<string, User>>;
  /** Times are told as of this day. */
  today: number;
  selected: boolean;
}

const ChatRow = React.memo(function ChatRow({ app, conversation, users, selected }: ChatRowProps) {
  const { texts, times } = app;
  const { id, unread } = conversation;
  const title = titleOf(conversation, users, texts);
  const draft = useTopic(app.store.topics, `draft:${id}`, () => draftOf(app.store, id));
  const open = (event: React.MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    app.route.open(id);
  };
  return (
    <li>
      <a
        href={`/c/${id}`}
        className={unread ? "dm-chat dm-chat-unread" : "dm-chat"}
        aria-current={selected ? "page" : undefined}
        onClick={open}
      >
        <Avatar of={faceOf(conversation)} name={title} photo={photoOf(conversation, users)} size={48} />
        <span className="dm-chat-words">
          <span className="dm-chat-line">
            <span className="dm-chat-title" dir="auto">{title}</span>
            <time dateTime={new Date(activity(conversation)).toISOString()}>{times.brief(activity(conversation))}</time>
          </span>
          <span className="dm-chat-line">
            <span className="dm-chat-preview" dir="auto">
              {draft && !selected ? (
                <><b className="dm-draft">{texts.t("draft")}</b> {draft}</>
              ) : (
                <Preview app={app} conversation={conversation} users={users} />
              )}
            </span>
            {unread > 0 && (
              <span className="dm-badge">
                {unread > MAX_BADGE ? `${MAX_BADGE}+` : unread}
                <span className="dm-hidden"> {texts.t("unread", { n: unread })}</span>
              </span>
            )}
          </span>
        </span>
      </a>
    </li>
  );
});

/** Says to screen readers that messages came in chats that are not open, a few seconds apart. */
function Elsewhere({ app }: { app: Messenger }) {
  const { store, route, texts } = app;
  const list = useList(app);
  const synced = useSynced(app);
  const heard = useRef<Map<string, number> | null>(null);
  const timer = useRef(0);
  const [said, setSaid] = useState<readonly Line[]>([]);
  useEffect(() => {
    if (!synced) return;
    const all = () => new Map(store.list().map(({ id, message_no }) => [id, message_no]));
    heard.current ??= all();
    if (timer.current || !elsewhere(list, heard.current, route.conversation, store, texts).length) return;
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      setSaid(elsewhere(store.list(), heard.current!, route.conversation, store, texts).slice(0, SAID_AT_ONCE));
      heard.current = all();
    }, SAID_AFTER_MS);
  }, [list, synced]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return <Spoken lines={said} />;
}

function Preview({ app, conversation: { id, kind, last }, users }: Omit<ChatRowProps, "selected" | "today">) {
  const online = useOnline(app);
  const own = useTopic(app.store.topics, `outbox:${id}`, () => app.store.outbox(id).at(-1));
  if (own && (own.state !== "failed" || own.createdAtMs > (last?.sent_at_ms ?? 0))) {
    const failed = own.state === "failed";
    const word = app.texts.t(failed ? "not_sent" : "sending");
    return (
      <>
        {(failed || !online) && (
          <span className={failed ? "dm-chat-state dm-chat-failed" : "dm-chat-state"} role="img" aria-label={word}>
            <Icon name={failed ? "failed" : "pending"} size={15} />
          </span>
        )}
        <b className="dm-chat-author">{app.texts.t("you")}</b> {inOneLine(own, app.labels, app.texts)}
      </>
    );
  }
  if (!last) return <>{app.texts.t("nothing_yet")}</>;
  if (last.deleted_at_ms) return <i>{app.texts.t("deleted")}</i>;
  const author =
    last.sender === app.store.me.id
      ? app.texts.t("you")
      : kind === "group" && users[last.sender]
        ? `${users[last.sender]!.display_name}:`
        : "";
  return (
    <>
      {author && <b className="dm-chat-author">{author}</b>} {inOneLine(last, app.labels, app.texts)}
    </>
  );
}

/** Drawn by itself: the width is asked for when it changes, not with each message that comes. */
const Resizer = React.memo(function Resizer({ label }: { label: string }) {
  const width = () => document.querySelector<HTMLElement>(".pane-list")?.offsetWidth ?? NARROWEST_PX;
  const [told, setTold] = useState(NARROWEST_PX);
  useEffect(() => setTold(width()), []);
  const change = (px: number) => {
    setListWidth(px);
    setTold(width());
  };
  const drag = (down: React.PointerEvent<HTMLDivElement>) => {
    const handle = down.currentTarget;
    const start = width() - down.clientX;
    handle.setPointerCapture(down.pointerId);
    handle.onpointermove = (event) => change(start + event.clientX);
    handle.onpointerup = handle.onpointercancel = () => (handle.onpointermove = null);
  };
  const step = (event: KeyboardEvent) => {
    const by = event.key === "ArrowLeft" ? -STEP_PX : event.key === "ArrowRight" ? STEP_PX : 0;
    if (by) change(width() + by);
  };
  return (
    <div
      className="dm-resizer"
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={told}
      aria-valuemin={NARROWEST_PX}
      aria-valuemax={WIDEST_PX}
      tabIndex={0}
      onPointerDown={drag}
      onKeyDown={step}
    />
  );
});

function setListWidth(px: number): void {
  const width = Math.max(NARROWEST_PX, Math.min(WIDEST_PX, Math.round(px)));
  document.documentElement.style.setProperty("--list-width", `${width}px`);
  choose("list-width", String(width));
}

/** Give the list the width it was left with; called before anything is drawn. */
export function restoreListWidth(): void {
  const kept = Number(chosen("list-width"));
  if (kept) document.documentElement.style.setProperty("--list-width", `${kept}px`);
}

function ListSkeleton() {
  return (
    <div className="dm-list-skeleton" aria-hidden="true">
      {[0, 1, 2, 3, 4, 5].map((index) => (
        <i key={index} />
      ))}
    </div>
  );
}
