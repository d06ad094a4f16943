// What is offered while it is typed: commands after a slash, emoji after a colon.

import * as React from "react";
import { type MutableRefObject, type RefObject, useEffect, useRef, useState } from "react";
import { loadEmoji } from "../parts/emoji";
import type { Messenger } from "../parts/messenger";

interface SlashCommand {
  name: string;
  summary: string;
}

/** What may be taken in place of what is typed. */
export interface Offer {
  id: string;
  put: string;
  shown: string;
  about: string;
}

interface CompletionProps {
  app: Messenger;
  box: RefObject<HTMLTextAreaElement>;
  /** A slash or a colon, and what follows it. */
  typed: string;
  /** Where the keys of the text box go first; whether one was taken is what it answers. */
  keys: MutableRefObject<((event: React.KeyboardEvent) => boolean) | null>;
  onTake(offer: Offer): void;
  onClose(): void;
}

const optionId = (at: number) => `dm-offer-${at}`;

export function Completion({ app, box, typed, keys, onTake, onClose }: CompletionProps) {
  const isName = typed.startsWith(":");
  const word = typed.slice(1);
  const [offers, setOffers] = useState<Offer[]>([]);
  // Enter sends a command that is typed; of names the first is at hand.
  const [at, setAt] = useState(-1);
  const listed = useRef<Promise<SlashCommand[]>>();
  useEffect(() => {
    let current = true;
    (isName ? names(app, word) : commands((listed.current ??= list(app)), word)).then(
      (found) => {
        if (!current) return;
        setOffers(found);
        setAt(isName ? 0 : -1);
      },
      // Without a connection nothing is offered; what is typed is sent as it is.
      () => current && setOffers([]),
    );
    return () => void (current = false);
  }, [typed]);

  const chosen = offers[at];
  useEffect(() => {
    const element = box.current!;
    if (chosen) {
      element.setAttribute("aria-activedescendant", optionId(at));
      document.getElementById(optionId(at))?.scrollIntoView({ block: "nearest" });
    }
    return () => element.removeAttribute("aria-activedescendant");
  }, [chosen]);

  keys.current = (event) => {
    if (!offers.length || event.nativeEvent.isComposing || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((Math.max(at, step < 0 ? 0 : -1) + step + offers.length) % offers.length);
    else if (event.key === "Escape") onClose();
    else if (event.key === "Tab" || (event.key === "Enter" && chosen)) onTake(chosen ?? offers[0]!);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  useEffect(() => () => void (keys.current = null), []);

  if (!offers.length) return null;
  return (
    <ul className="dm-completion" role="listbox" aria-label={app.texts.t(isName ? "emoji" : "slash_commands")}>
      {offers.map((offer, place) => (
        <li key={offer.id} id={optionId(place)} role="option" aria-selected={place === at} onPointerDown={(event) => event.preventDefault()} onClick={() => onTake(offer)}>
          <b>{offer.shown}</b> <span>{offer.about}</span>
        </li>
      ))}
    </ul>
  );
}

async function list(app: Messenger): Promise<SlashCommand[]> {
  const answer = await app.call<{ commands: SlashCommand[] }>("command.slash_list", { language: app.texts.language });
  return answer.commands;
}

async function commands(listed: Promise<SlashCommand[]>, word: string): Promise<Offer[]> {
  return (await listed)
    .filter(({ name }) => name.startsWith(word))
    .map(({ name, summary }) => ({ id: name, put: `/${name} `, shown: `/${name}`, about: summary }));
}

async function names(app: Messenger, word: string): Promise<Offer[]> {
  const emoji = await loadEmoji(app);
  return emoji
    .suggest(app.store.me.id, app.texts.language, word)
    .map(({ id, text, name }) => ({ id, put: text, shown: text, about: `:${name}:` }));
}
