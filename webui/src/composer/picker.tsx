// A panel of pictures to choose from: tabs, search, a grid. What is chosen is sent at once.

import * as React from "react";
import { useEffect, useRef, useState } from "react";
import type { ComposerOf } from "../state/composers";
import { isPhone } from "../state/route";
import { useLasting, useLayer } from "../parts/hooks";
import type { Messenger } from "../parts/messenger";

interface Choice {
  id: string;
  label: string;
  image: string;
  content: Record<string, unknown>;
}

interface Group {
  id: string;
  label: string;
  icon?: string | null;
  icon_url?: string | null;
  items: Choice[];
}

const SEARCH_AFTER_MS = 200;
// How large a picture stands among the messages until the server has drawn it: the longer side.
const SENT_PX = 192;
const kept = new WeakMap<Messenger, Map<string, Group[]>>();

/** What a picker showed last: it opens with that, at once, and is brought up to date after. */
function last(app: Messenger): Map<string, Group[]> {
  const known = kept.get(app) ?? new Map<string, Group[]>();
  kept.set(app, known);
  return known;
}

interface PickerProps {
  app: Messenger;
  conversation: string;
  composer: ComposerOf;
  /** Whether the focus is to go back where it came from. */
  onClose(back: boolean): void;
}

export function PickerPanel({ app, conversation, composer, onClose }: PickerProps) {
  const { texts } = app;
  const panel = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [query, setQuery] = useState("");
  const [groups, setGroups] = useState<Group[] | null>(() => last(app).get(composer.type) ?? null);
  // What was searched for, when it was answered.
  const [answered, setAnswered] = useState("");
  const [shown, setShown] = useState("");
  const [failed, setFailed] = useState(false);
  const waiting = useLasting(groups === null && !failed);

  useEffect(() => {
    let current = true;
    const timer = setTimeout(() => {
      app
        .call<{ groups: Group[] }>(composer.picker!, { query, language: texts.language })
        .then((answer) => {
          if (!query) last(app).set(composer.type, answer.groups);
          if (!current) return;
          setGroups(answer.groups);
          setAnswered(query);
          setFailed(false);
        })
        .catch(() => current && setFailed(true));
    }, query ? SEARCH_AFTER_MS : 0);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [query]);

  useEffect(() => {
    const outside = (event: Event) => {
      const target = event.target as Element;
      if (!panel.current?.contains(target) && !target.closest?.("[aria-expanded=true]")) onClose(false);
    };
    // On a phone the focus stays outside.
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      event.stopPropagation();
      onClose(true);
    };
    document.addEventListener("pointerdown", outside, true);
    document.addEventListener("keydown", escape, true);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      document.removeEventListener("keydown", escape, true);
    };
  }, []);

  useLayer(app, () => onClose(true));

  const choose = ({ content, label, image: src }: Choice, shown: HTMLImageElement | null) => {
    const longest = Math.max(shown?.naturalWidth ?? 0, shown?.naturalHeight ?? 0);
    const [width, height] = longest ? [shown!.naturalWidth, shown!.naturalHeight].map((side) => Math.round((side / longest) * SENT_PX)) : [SENT_PX, SENT_PX];
    app.outbox.send(conversation, { type: composer.type, content, text: label || composer.label, picture: { src, width: width!, height: height! } });
    onClose(true);
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    const items = [...panel.current!.querySelectorAll<HTMLElement>(".dm-pick")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const first = items[0];
    const columns = first ? items.filter((item) => item.offsetTop === first.offsetTop).length : 1;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (event.key === "Enter" && at < 0 && query && answered === query && items.length === 1 && !event.nativeEvent.isComposing) first!.click();
    else if (step && at >= 0) items[at + step]?.focus();
    else if (event.key === "ArrowDown") first?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div ref={panel} className="dm-picker" role="dialog" aria-label={composer.label} onKeyDown={onKeyDown}>
      <input type="search" className="dm-picker-search" value={query} placeholder={texts.t("search")} aria-label={texts.t("search")}
        // On a phone its keyboard would cover what there is to choose from.
        autoFocus={!matchMedia("(pointer: coarse)").matches && !isPhone()} onChange={(event) => setQuery(event.target.value)}
      />
      <div className="dm-picker-groups" ref={list} onScroll={() => setShown(atTop(list.current!))}>
        {failed && <p>{texts.t("no_answer")}</p>}
        {waiting && <div className="dm-picker-wait" />}
        {groups?.length === 0 && <p>{texts.t(query ? "nothing_found" : "nothing_to_pick")}</p>}
        {groups?.map((group) => (
          <section key={group.id} id={`dm-group-${group.id}`} data-group={group.id} aria-label={group.label}>
            <h2>{group.label}</h2>
            <div className="dm-picker-grid">
              {group.items.map((choice) => (
                <button key={choice.id} type="button" className="dm-pick" aria-label={choice.label || composer.label} onClick={(event) => choose(choice, event.currentTarget.querySelector("img"))}>
                  <img src={choice.image} alt="" loading="lazy" decoding="async" />
                </button>
              ))}
            </div>
            {group.items.length === 0 && <p>{texts.t("nothing_found")}</p>}
          </section>
        ))}
      </div>
      {groups && groups.length > 1 && (
        <div className="dm-picker-tabs">
          {groups.map((group) => (
            <button key={group.id} type="button" aria-label={group.label} title={group.label} aria-current={(shown || groups[0]!.id) === group.id || undefined}
              onClick={() => document.getElementById(`dm-group-${group.id}`)?.scrollIntoView({ block: "start" })}
            >
              {group.icon_url ? <img src={group.icon_url} alt="" /> : <span className={`icon icon-${group.icon ?? "puzzle"}`} aria-hidden="true" />}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

/** The group that stands at the upper edge. */
function atTop(list: HTMLElement): string {
  const sections = [...list.querySelectorAll<HTMLElement>("[data-group]")];
  const edge = list.getBoundingClientRect().top + 24;
  const found = list.scrollTop + list.clientHeight >= list.scrollHeight - 1 && list.scrollTop > 0
    ? sections[sections.length - 1]
    : sections.find((section) => section.getBoundingClientRect().bottom > edge);
  return found?.dataset["group"] ?? "";
}
