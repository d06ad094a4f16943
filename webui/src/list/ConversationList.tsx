import * as React from "react";
import { type KeyboardEvent, type ReactElement, useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import type { Conversation, User } from "../net/wire";
import type { Catalogue } from "../i18n/texts";
import { choose, chosen } from "../state/device";
import { draftOf } from "../state/drafts";
import { nameOf, titleOf } from "../state/people";
import { isArchived, isMuted, isUnread } from "../state/preferences";
import { elsewhere, inOneLine, type Line } from "../state/spoken";
import { activity } from "../state/store";
import { AboutPeople } from "../parts/about_people";
import { Face } from "../parts/Face";
import { Banner } from "../parts/Banner";
import { useLasting, useList, useOnline, useOpened, useSynced, useToday, useTopic, useUsers } from "../parts/hooks";
import { Icon, IconButton } from "../parts/icons";
import { type Messenger, useMessenger } from "../parts/messenger";
import { Notice } from "../parts/Notice";
import { TypingOr } from "../parts/presence";
import { Spoken } from "../parts/Spoken";
import { FILTERS, type Filter, passes } from "./filters";
import { ChatMenu, type Opening, toggleArchived, toggleUnread, wish } from "./menu";
import { RequestsRow } from "./requests";
import { Fingers } from "./swipe";

const NARROWEST_PX = 280;
const WIDEST_PX = 480;
const STEP_PX = 16;
const MAX_BADGE = 999;
// Browsers take no longer time.
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
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
  /** The addresses of the script of the dialogs about people, and of its style sheet. */
  people_files?: string[];
  /** The address of the script that knows the emoji. */
  emoji_script?: string;
  /** What is to be drawn as a QR code: a callback does. */
  qr_text?: string;
  /** The QR code as a callback has drawn it: its `text` and its `picture`, a data URI. */
  qr_picture?: { text: string; picture: string };
  /** How often the menu button was pressed. */
  menu_clicks?: number;
  setProps?(props: Partial<ConversationListProps>): void;
}

export function ConversationList(props: ConversationListProps): ReactElement | null {
  const app = useMessenger(props);
  return app ? <Chats {...props} app={app} /> : null;
}

function Chats(props: ConversationListProps & { app: Messenger }) {
  const { app, setProps, qr_picture, menu_clicks = 0 } = props;
  const { texts } = app;
  const list = useList(app);
  const synced = useSynced(app);
  const opened = useOpened(app);
  const users = useUsers(app);
  const today = useToday(app);
  const waiting = useLasting(!synced && !list.length);
  const rows = useRef<HTMLUListElement>(null);
  const [menu, setMenu] = useState<Opening | null>(null);
  const [filter, setFilter] = useState<Filter>("all");
  const nowMs = useMutes(list);
  // A chat that is read where only what is unread is shown stays until another is opened.
  const stays = useRef<string | null>(null);
  if (stays.current !== opened) stays.current = null;
  const shown = list.filter((one) => {
    const wanted = passes(one, filter, nowMs);
    if (wanted && one.id === opened) stays.current = opened;
    return wanted || (filter === "unread" && one.id === stays.current);
  });
  const archived = filter === "all" ? list.filter((one) => isArchived(one, nowMs)) : [];
  const unread = list.filter((one) => passes(one, "unread", nowMs)).length;

  useEffect(() => {
    // Somebody looks at it now.
    if (opened && synced && app.store.conversation(opened)?.preferences?.marked_unread) wish(app, opened, { marked_unread: false });
  }, [opened, synced]);

  const openMenu = useCallback((row: Element, x: number, y: number) => {
    const id = row.closest("li")?.dataset["id"];
    if (id) setMenu({ id, x, y, from: row.closest("li")!.querySelector("a")! });
    return !!id;
  }, []);
  const fingers = useMemo(() => new Fingers({
    menu: openMenu,
    swiped: (row, side) => {
      const conversation = app.store.conversation(row.dataset["id"]!);
      if (conversation) (side === "left" ? toggleArchived : toggleUnread)(app, conversation);
    },
  }), []);
  const choose = (next: Filter) => {
    stays.current = null;
    setFilter(next);
    rows.current?.scrollTo({ top: 0 });
  };

  app.drawQr = (text) => setProps?.({ qr_text: text });
  useEffect(() => void (qr_picture && app.setQr(qr_picture)), [qr_picture]);
  const newChat = () => app.showPeople({ kind: "chat" });

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
        <IconButton icon="newGroup" label={texts.t("new_group")} onClick={() => app.showPeople({ kind: "group" })} />
        <IconButton icon="newChat" label={texts.t("new_chat")} onClick={newChat} />
      </header>
      {list.length > 0 && <Filters app={app} filter={filter} unread={unread} onChoose={choose} />}
      <RequestsRow app={app} />
      {list.length ? (
        <ul
          ref={rows}
          className="dm-chats"
          onKeyDown={move}
          onContextMenu={(event) => openMenu(event.target as Element, event.clientX, event.clientY) && event.preventDefault()}
          onPointerDown={fingers.down}
          onPointerMove={fingers.move}
          onPointerUp={fingers.up}
          onPointerCancel={fingers.cancel}
          onTouchEnd={fingers.ended}
        >
          {archived.length > 0 && <ArchivedRow app={app} count={archived.length} onClick={() => choose("archived")} />}
          {shown.map((conversation) => (
            <ChatRow
              key={conversation.id}
              app={app}
              conversation={conversation}
              users={users}
              today={today}
              selected={conversation.id === opened}
              muted={isMuted(conversation, nowMs)}
              archived={isArchived(conversation, nowMs)}
              onMenu={openMenu}
            />
          ))}
          {!shown.length && filter !== "all" && (
            <li className="dm-chats-none">{texts.t(filter === "unread" ? "none_unread" : "none_filtered")}</li>
          )}
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
      {menu && <ChatMenu app={app} opening={menu} onClose={() => setMenu(null)} />}
      {!opened && <Notice app={app} />}
      <Resizer label={texts.t("resize")} />
      <Banner app={app} />
      <Elsewhere app={app} />
      <AboutPeople app={app} />
    </nav>
  );
}

/** The time as of which chats are muted: another when a mute ends. */
function useMutes(list: readonly Conversation[]): number {
  const [, again] = useReducer((times: number) => times + 1, 0);
  const nowMs = Date.now();
  const ends = list.map(({ preferences }) => preferences?.muted_until_ms ?? 0).filter((ms) => ms > nowMs);
  const next = ends.length ? Math.min(...ends) : 0;
  useEffect(() => {
    if (!next) return;
    const timer = setTimeout(again, Math.min(next - Date.now(), MAX_TIMEOUT_MS));
    return () => clearTimeout(timer);
  });
  return nowMs;
}

interface FiltersProps {
  app: Messenger;
  filter: Filter;
  unread: number;
  onChoose(filter: Filter): void;
}

/** Which chats are shown; the archive has a way back instead. */
function Filters({ app: { texts }, filter, unread, onChoose }: FiltersProps) {
  if (filter === "archived") {
    return (
      <div className="dm-filters">
        <IconButton icon="back" label={texts.t("back")} onClick={() => onChoose("all")} />
        <h2>{texts.t("filter_archived")}</h2>
      </div>
    );
  }
  return (
    <div className="dm-filters" role="group" aria-label={texts.t("filters")}>
      {FILTERS.map((one) => (
        <button key={one} type="button" aria-pressed={one === filter} onClick={() => onChoose(one)}>
          {texts.t(`filter_${one}`)} {one === "unread" && unread > 0 && <b>{unread}</b>}
        </button>
      ))}
    </div>
  );
}

function ArchivedRow({ app: { texts }, count, onClick }: { app: Messenger; count: number; onClick(): void }) {
  return (
    <li className="dm-archived">
      <button type="button" onClick={onClick}>
        <Icon name="archive" /> <span>{texts.t("filter_archived")}</span> <small>{count}</small>
      </button>
    </li>
  );
}

interface ChatRowProps {
  app: Messenger;
  conversation: Conversation;
  users: Readonly<Record<string, User>>;
  /** Times are told as of this day. */
  today: number;
  selected: boolean;
  muted: boolean;
  archived: boolean;
  onMenu(row: Element, x: number, y: number): void;
}

const ChatRow = React.memo(function ChatRow({ app, conversation, users, selected, muted, archived, onMenu }: ChatRowProps) {
  const { texts, times } = app;
  const { id, unread, preferences: wanted } = conversation;
  const fresh = isUnread(conversation);
  const title = titleOf(conversation, users, texts);
  const draft = useTopic(app.store.topics, `draft:${id}`, () => draftOf(app.store, id));
  const open = (event: React.MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    app.route.open(id);
  };
  return (
    <li
      data-id={id}
      className={wanted?.pinned_no ? "dm-pinned" : undefined}
      data-left={texts.t(archived ? "unarchive" : "archive")}
      data-right={texts.t(fresh ? "mark_read" : "mark_unread")}
    >
      <a
        href={`/c/${id}`}
        className={fresh ? "dm-chat dm-chat-unread" : "dm-chat"}
        aria-current={selected ? "page" : undefined}
        onClick={open}
      >
        <Face conversation={conversation} users={users} title={title} size={48} presence={!!conversation.peer} />
        <span className="dm-chat-words">
          <span className="dm-chat-line">
            <span className="dm-chat-title" dir="auto">{conversation.peer ? nameOf(conversation.peer, users, texts) : title}</span>
            {muted && <Sign icon="muted" label={texts.t("muted")} />}
            <time dateTime={new Date(activity(conversation)).toISOString()}>{times.brief(activity(conversation))}</time>
          </span>
          <span className="dm-chat-line">
            <span className="dm-chat-preview" dir="auto">
              <TypingOr app={app} id={id} instead={
                draft && !selected ? (
                  <><b className="dm-draft">{texts.t("draft")}</b> {draft}</>
                ) : (
                  <Preview app={app} conversation={conversation} users={users} />
                )
              } />
            </span>
            {fresh ? (
              <span className={muted ? "dm-badge dm-badge-muted" : "dm-badge"} data-dot={unread ? undefined : ""}>
                {unread > MAX_BADGE ? `${MAX_BADGE}+` : unread || ""}
                <span className="dm-hidden"> {unread ? texts.t("unread", { n: unread }) : texts.t("marked_unread")}</span>
              </span>
            ) : (
              wanted?.pinned_no && <Sign icon="pin" label={texts.t("pinned")} />
            )}
          </span>
        </span>
      </a>
      <IconButton
        icon="more"
        className="dm-chat-more"
        label={texts.t("chat_menu")}
        aria-haspopup="menu"
        onClick={(event) => {
          const { left, bottom } = event.currentTarget.getBoundingClientRect();
          onMenu(event.currentTarget, left, bottom);
        }}
      />
    </li>
  );
});

function Sign({ icon, label }: { icon: "muted" | "pin"; label: string }) {
  return (
    <span className="dm-chat-sign" role="img" aria-label={label} title={label}>
      <Icon name={icon} size={16} />
    </span>
  );
}

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

function Preview({ app, conversation: { id, kind, last }, users }: Pick<ChatRowProps, "app" | "conversation" | "users">) {
  const online = useOnline(app);
  useTopic(app.store.topics, "blocks", () => app.blocks.listed());
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
        {kind !== "saved" && <b className="dm-chat-author">{app.texts.t("you")}</b>} {inOneLine(own, app.labels, app.texts)}
      </>
    );
  }
  if (!last) return <>{app.texts.t("nothing_yet")}</>;
  if (last.deleted_at_ms) return <i>{app.texts.t("deleted")}</i>;
  const author = kind === "saved"
    ? ""
    : last.sender === app.store.me.id
      ? app.texts.t("you")
      : kind === "group" && users[last.sender]
        ? `${nameOf(last.sender, users, app.texts)}:`
        : "";
  return (
    <>
      {author && <b className="dm-chat-author">{author}</b>} {app.lineOf(id, last)}
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
