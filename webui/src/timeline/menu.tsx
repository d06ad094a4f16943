// The menu of a message: what every message offers, what its type adds, and who did something with it.
// A sheet on the phone.

import * as React from "react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Message, Right } from "../net/wire";
import { isPhone } from "../state/route";
import { Avatar } from "../parts/Avatar";
import { useLayer } from "../parts/hooks";
import { Icon, type IconName } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { copyText } from "./behaviours";
import { MAX_READERS_IN, type People, PeopleItems, whoDid } from "./who";

const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
const MORE = [..."🔥🎉👏💯👀🤔😍🥳😅🙈🤝✅❌⭐🚀💡☕🍀😎😴"];
const MARGIN_PX = 8;
const FACES = 3;
const PERSON_PX = 44;
const ROWS_AT_ONCE = 8;

/** What a message type adds to the menu of its messages. */
export interface MenuEntry {
  label: string;
  icon: string;
  may: "member" | "author";
  act?: string;
  command?: string;
  params?: Record<string, unknown>;
  /** What is told when it is done. */
  done?: string;
}

/** Which message's menu, where, and what gets the focus back. */
export interface Opening {
  message: Message;
  x: number;
  y: number;
  from: HTMLElement;
  /** The reaction that was pressed: who put it is what is shown. */
  emoji?: string | undefined;
}

interface MenuProps {
  app: Messenger;
  opening: Opening;
  entries: readonly MenuEntry[];
  onClose(): void;
}

export function MessageMenu({ app, opening, entries, onClose }: MenuProps) {
  const { message, from, emoji } = opening;
  const { texts, store, actions } = app;
  const menu = useRef<HTMLDivElement>(null);
  const [more, setMore] = useState(false);
  const [asking, setAsking] = useState(false);
  // Who did something with it: shown at once for a reaction, else when it is asked for.
  const [listing, setListing] = useState(!!emoji);
  const [people, setPeople] = useState<People | null>(null);
  const [failed, setFailed] = useState("");
  const own = message.sender === store.me.id;
  const mine = store.window(message.conversation).own[message.id]?.reactions ?? [];
  const editable = app.canEdit(message);
  const may = (right: Right) => store.may(message.conversation, right);
  const removable = own || may("delete_others");

  const close = () => {
    onClose();
    const back = from.closest(".dm-row")?.querySelector<HTMLElement>(".dm-more");
    ((emoji && from.closest<HTMLElement>("button")) || back)?.focus({ preventScroll: true });
  };
  const { kind, member_count: members = 0 } = store.conversation(message.conversation) ?? {};
  const tellsReaders = kind === "group" && members <= MAX_READERS_IN;
  const learn = () =>
    void whoDid(app, message, emoji, people ?? undefined).then(setPeople, (error) => setFailed(texts.reason(error)));

  useLayer(app, close);
  useLayoutEffect(() => {
    const element = menu.current!;
    if (!isPhone()) {
      const { width, height } = element.getBoundingClientRect();
      element.style.left = `${Math.max(MARGIN_PX, Math.min(opening.x, innerWidth - width - MARGIN_PX))}px`;
      element.style.top = `${Math.max(MARGIN_PX, Math.min(opening.y, innerHeight - height - MARGIN_PX))}px`;
    }
  });
  useLayoutEffect(() => {
    (menu.current!.querySelector<HTMLElement>("[role^=menuitem]") ?? menu.current!).focus();
  }, [more, asking, listing, listing && !people]);

  useEffect(() => {
    if (emoji || tellsReaders) learn();
    const outside = (event: Event) => menu.current?.contains(event.target as Node) || close();
    document.addEventListener("pointerdown", outside, true);
    addEventListener("resize", close);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      removeEventListener("resize", close);
    };
  }, []);

  const onKeyDown = (event: React.KeyboardEvent) => {
    const items = [...menu.current!.querySelectorAll<HTMLElement>("[role^=menuitem]")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const row = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") close();
    else if (row) items[(at + row + items.length) % items.length]?.focus();
    else if (event.key === "Home") items[0]?.focus();
    else if (event.key === "End") items[items.length - 1]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const item = (label: string, icon: React.ReactNode, go: () => void, danger = false) => (
    <button key={label} type="button" role="menuitem" tabIndex={-1} className={danger ? "dm-danger" : undefined}
      onClick={() => {
        close();
        go();
      }}
    >
      {icon} {label}
    </button>
  );
  const count = message.reactions?.find((reaction) => reaction.emoji === emoji)?.count ?? 0;
  const readers = people ? people.users.length : "…";
  const heading = emoji ? `${emoji} ${count}` : readers ? texts.t("read_by", { n: readers }) : texts.t("read_by_nobody");
  const ours = (name: IconName) => <Icon name={name} />;
  const react = (emoji: string) => {
    close();
    actions.react(message, emoji, !mine.includes(emoji));
  };

  return (
    <>
      <div className="dm-menu-backdrop" />
      <div ref={menu} className="dm-menu" role="menu" tabIndex={-1} aria-label={listing ? heading : texts.t("message_menu")} onKeyDown={onKeyDown}>
        {listing ? (
          <>
            <p>{heading}</p>
            {/* As high as it will be: nothing moves when they are known. */}
            <div className="dm-menu-people" style={{ minHeight: people || failed ? 0 : Math.min(count, ROWS_AT_ONCE) * PERSON_PX }}>
              {people && <PeopleItems app={app} people={people} onMore={learn} onClose={close} />}
            </div>
            {failed && <p role="alert">{failed}</p>}
          </>
        ) : asking ? (
          <>
            <p>{texts.t("delete_question")}</p>
            {item(texts.t("delete_for_all"), ours("trash"), () => actions.remove(message), true)}
            {item(texts.t("cancel"), ours("close"), () => undefined)}
          </>
        ) : (
          <>
            {may("react") && (
              <div className="dm-menu-emoji" role="group" aria-label={texts.t("react")}>
                {[...QUICK, ...(more ? MORE : [])].map((emoji) => (
                  <button key={emoji} type="button" role="menuitemcheckbox" tabIndex={-1} aria-checked={mine.includes(emoji)}
                    aria-label={emoji} onClick={() => react(emoji)}
                  >
                    {emoji}
                  </button>
                ))}
                {!more && (
                  <button type="button" role="menuitem" tabIndex={-1} aria-label={texts.t("more_emoji")} onClick={() => setMore(true)}>
                    <Icon name="plus" />
                  </button>
                )}
              </div>
            )}
            {may("send") && item(texts.t("reply"), ours("reply"), () => store.compose(message.conversation, { replyTo: message }))}
            {editable && item(texts.t("edit"), ours("edit"), () => store.compose(message.conversation, { editing: message }))}
            {message.text && item(texts.t("copy_text"), ours("copy"), () => void copyText(message.text ?? ""))}
            {entries
              .filter((entry) => (entry.may === "author" ? own : may("react")))
              .map((entry) =>
                item(entry.label, <span className={`icon icon-${entry.icon}`} aria-hidden="true" />, () =>
                  entry.act
                    ? actions.act(message, entry.act, entry.params ?? {}, { done: entry.done })
                    : actions.call(message, entry.command!, entry.params ?? {}, entry.done),
                ),
              )}
            {kind === "group" && !own && item(texts.t("profile", { name: store.users[message.sender]?.display_name ?? texts.t("somebody") }), ours("person"), () => app.showPerson(message.sender))}
            {tellsReaders && (
              <button type="button" role="menuitem" tabIndex={-1} className="dm-readers" aria-disabled={!people?.users.length}
                onClick={() => people?.users.length && setListing(true)}
              >
                <Icon name="read" /> {heading}
                <span>
                  {people?.users.slice(0, FACES).map(({ id, display_name, photo = null }) => (
                    <Avatar key={id} of={id} name={display_name} photo={photo} size={24} />
                  ))}
                </span>
              </button>
            )}
            {removable && (
              <button type="button" role="menuitem" tabIndex={-1} className="dm-danger" onClick={() => setAsking(true)}>
                <Icon name="trash" /> {texts.t("delete")}
              </button>
            )}
          </>
        )}
      </div>
    </>
  );
}
