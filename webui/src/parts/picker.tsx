// A panel to choose from: search, a grid of pictures or emoji in groups, a tab for each group.

import * as React from "react";
import { useEffect, useMemo, useRef, useState } from "react";
import { isPhone } from "../state/route";
import { stepIn } from "./grid";
import { useLasting, useLayer } from "./hooks";
import type { Messenger } from "./messenger";

export interface Choice {
  id: string;
  label: string;
  /** The address of a picture. */
  image?: string;
  /** What is shown where there is no picture. */
  text?: string;
}

export interface Group<C extends Choice = Choice> {
  id: string;
  label: string;
  icon?: string | null;
  icon_url?: string | null;
  mask?: string;
  items: C[];
}

interface PickerProps<C extends Choice> {
  app: Messenger;
  label: string;
  /** What there is, or what of it fits a query; asked again when `version` is another. */
  ask(query: string): Promise<Group<C>[]>;
  version?: unknown;
  /** What it shows until it is answered. */
  known?: Group<C>[] | undefined;
  searchAfterMs?: number;
  /** Enter chooses the first that is found, not only what is found alone. */
  choosesFirst?: boolean;
  /** Keys that are pressed beside it write nothing. */
  modal?: boolean | undefined;
  /** What stands beside the search. */
  beside?: React.ReactNode;
  onChoose(choice: C, image: HTMLImageElement | null): void;
  /** Whether the focus is to go back where it came from. */
  onClose(back: boolean): void;
}

// As many emoji stand in a row, and so much room a row and a heading take: what is not in sight is not drawn.
const IN_A_ROW = 8;
const ROW_PX = 44;
const HEADING_PX = 35;

export function Picker<C extends Choice>({ app, label, ask, version, known, searchAfterMs = 0, choosesFirst, modal, beside, onChoose, onClose }: PickerProps<C>) {
  const { texts } = app;
  const panel = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [query, setQuery] = useState("");
  const [groups, setGroups] = useState<Group<C>[] | null>(known ?? null);
  // What was searched for, when it was answered.
  const [answered, setAnswered] = useState("");
  const [shown, setShown] = useState("");
  const [failed, setFailed] = useState(false);
  const waiting = useLasting(groups === null && !failed);
  const choose = useRef(onChoose);
  choose.current = onChoose;

  useEffect(() => {
    let current = true;
    const timer = setTimeout(() => {
      ask(query)
        .then((found) => {
          if (!current) return;
          setGroups(found);
          setAnswered(query);
          setShown("");
          list.current!.scrollTop = 0;
          setFailed(false);
        })
        .catch(() => current && setFailed(true));
    }, query ? searchAfterMs : 0);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [query, version]);

  useEffect(() => {
    const outside = (event: Event) => {
      const target = event.target as Element;
      if (!panel.current?.contains(target) && !target.closest?.("[aria-expanded=true], .dm-send")) onClose(false);
    };
    // On a phone the focus stays outside.
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      event.stopPropagation();
      onClose(true);
    };
    // On a phone what is pressed would move away beneath the finger.
    const press = isPhone() ? "click" : "pointerdown";
    document.addEventListener(press, outside, true);
    document.addEventListener("keydown", escape, true);
    return () => {
      document.removeEventListener(press, outside, true);
      document.removeEventListener("keydown", escape, true);
    };
  }, []);

  useLayer(app, () => onClose(true));

  const onKeyDown = (event: React.KeyboardEvent) => {
    const grids = [...panel.current!.querySelectorAll<HTMLElement>(".dm-picker-grid")].filter((grid) => grid.childElementCount);
    const active = document.activeElement as HTMLElement;
    const grid = grids.findIndex((one) => one.contains(active));
    const first = grids[0]?.firstElementChild as HTMLElement | undefined;
    const alone = grids.length === 1 && grids[0]!.childElementCount === 1;
    if (event.key === "Enter" && active.matches("input") && query && answered === query && (choosesFirst || alone) && first && !event.nativeEvent.isComposing) first.click();
    else if (event.key === "ArrowDown" && grid < 0) first?.focus();
    else if (grid >= 0) {
      const columns = getComputedStyle(grids[grid]!).gridTemplateColumns.split(" ").length;
      const at = [...grids[grid]!.children].indexOf(active);
      const to = stepIn(grids.map((one) => one.childElementCount), columns, [grid, at], event.key);
      if (!to) return;
      (grids[to[0]]!.children[to[1]] as HTMLElement).focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const sections = useMemo(() => groups?.map((group, number) => (
    <section key={group.id} id={`dm-group-${group.id}`} data-group={group.id} aria-label={group.label}
      style={group.items[0]?.text ? { containIntrinsicSize: `auto ${HEADING_PX + Math.ceil(group.items.length / IN_A_ROW) * ROW_PX}px`, contentVisibility: "auto" } : undefined}
    >
      <h2>{group.label}</h2>
      <div className="dm-picker-grid" data-text={group.items[0]?.text ? "" : undefined}>
        {group.items.map((choice, at) => (
          // Arrows lead from one to the next; Tab leads on.
          <button key={choice.id} type="button" className="dm-pick" aria-label={choice.label || label} title={choice.text && choice.label} tabIndex={number || at ? -1 : 0}
            onClick={(event) => choose.current(choice, event.currentTarget.querySelector("img"))}
          >
            {choice.text ?? <img src={choice.image} alt="" loading="lazy" decoding="async" />}
          </button>
        ))}
      </div>
      {group.items.length === 0 && <p>{texts.t("nothing_found")}</p>}
    </section>
  )), [groups]);

  return (
    <div ref={panel} className="dm-picker" role="dialog" aria-modal={modal} aria-label={label} onKeyDown={onKeyDown}>
      <div className="dm-picker-head">
        <input type="search" className="dm-picker-search" value={query} placeholder={texts.t("search")} aria-label={texts.t("search")}
          // On a phone its keyboard would cover what there is to choose from.
          autoFocus={!matchMedia("(pointer: coarse)").matches && !isPhone()} onChange={(event) => setQuery(event.target.value)}
        />
        {beside}
      </div>
      <div className="dm-picker-groups" ref={list} onScroll={() => setShown(atTop(list.current!))}>
        {failed && <p>{texts.t("no_answer")}</p>}
        {waiting && <div className="dm-picker-wait" />}
        {groups?.length === 0 && <p>{texts.t(query ? "nothing_found" : "nothing_to_pick")}</p>}
        {sections}
      </div>
      {groups && groups.length > 1 && (
        <div className="dm-picker-tabs">
          {groups.map((group) => (
            <button key={group.id} type="button" aria-label={group.label} title={group.label} aria-current={(shown || groups[0]!.id) === group.id || undefined}
              onClick={() => document.getElementById(`dm-group-${group.id}`)?.scrollIntoView({ block: "start" })}
            >
              {group.icon_url ? <img src={group.icon_url} alt="" />
                : <span className={`icon icon-${group.icon ?? "puzzle"}`} style={group.mask ? { "--icon": group.mask } as React.CSSProperties : undefined} aria-hidden="true" />}
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
