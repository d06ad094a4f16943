// The menu of a message: what every message offers, what its type adds, and who did something with it.
// A sheet on the phone.

import * as React from "react";
import { useEffect, useRef, useState } from "react";
import type { Message, Right } from "../net/wire";
import { nameOf } from "../state/people";
import { Avatar } from "../parts/Avatar";
import { copyText } from "../parts/clipboard";
import { EmojiPicker } from "../parts/emoji";
import { Icon, type IconName } from "../parts/icons";
import { Menu, MenuItem, usePlaced } from "../parts/menu";
import type { Messenger } from "../parts/messenger";
import { MAX_READERS_IN, type People, PeopleItems, whoDid } from "./who";

const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
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

  useEffect(() => {
    if (emoji || tellsReaders) learn();
  }, []);

  const item = (label: string, icon: React.ReactNode, go: () => void, danger = false) => (
    <MenuItem key={label} label={label} icon={icon} danger={danger}
      onClick={() => {
        close();
        go();
      }}
    />
  );
  const count = message.reactions?.find((reaction) => reaction.emoji === emoji)?.count ?? 0;
  const readers = people ? people.users.length : "…";
  const heading = emoji ? `${emoji} ${count}` : readers ? texts.t("read_by", { n: readers }) : texts.t("read_by_nobody");
  const ours = (name: IconName) => <Icon name={name} />;
  const react = (emoji: string) => {
    close();
    actions.react(message, emoji, !mine.includes(emoji));
  };

  if (more) return <AllEmoji app={app} x={opening.x} y={opening.y} onChoose={react} onClose={close} />;

  return (
    <Menu app={app} x={opening.x} y={opening.y} label={listing ? heading : texts.t("message_menu")} step={[asking, listing, listing && !people].join()} onClose={close}>
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
              {QUICK.map((emoji) => (
                <button key={emoji} type="button" role="menuitemcheckbox" tabIndex={-1} aria-checked={mine.includes(emoji)}
                  aria-label={emoji} onClick={() => react(emoji)}
                >
                  {emoji}
                </button>
              ))}
              <button type="button" role="menuitem" tabIndex={-1} aria-label={texts.t("more_emoji")} onClick={() => setMore(true)}>
                <Icon name="down" />
              </button>
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
          {kind === "group" && !own && item(texts.t("profile", { name: nameOf(message.sender, store.users, texts) }), ours("person"), () => app.showPerson(message.sender))}
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
    </Menu>
  );
}

interface AllEmojiProps {
  app: Messenger;
  x: number;
  y: number;
  onChoose(emoji: string): void;
  onClose(): void;
}

/** Every emoji to react with, where the menu was. */
function AllEmoji({ app, x, y, onChoose, onClose }: AllEmojiProps) {
  const place = useRef<HTMLDivElement>(null);
  usePlaced(place, x, y);
  return (
    <>
      <div className="dm-menu-backdrop" />
      <div ref={place} className="dm-reacting"><EmojiPicker app={app} modal onChoose={onChoose} onClose={onClose} /></div>
    </>
  );
}
