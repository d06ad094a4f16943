// A menu where something was pressed; a sheet on the phone.

import * as React from "react";
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { isPhone } from "../state/route";
import { useLayer } from "./hooks";
import type { Messenger } from "./messenger";

const MARGIN_PX = 8;

interface MenuProps {
  app: Messenger;
  /** Where it was asked for. */
  x: number;
  y: number;
  label: string;
  /** Another value: other items have come, and the first of them gets the focus. */
  step?: unknown;
  /** Take it away, and give the focus back. */
  onClose(): void;
  children: ReactNode;
}

export function Menu({ app, x, y, label, step, onClose, children }: MenuProps) {
  const menu = useRef<HTMLDivElement>(null);
  useLayer(app, onClose);
  usePlaced(menu, x, y);
  useLayoutEffect(() => {
    (menu.current!.querySelector<HTMLElement>("[role^=menuitem]") ?? menu.current!).focus();
  }, [step]);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const outside = (event: Event) => menu.current?.contains(event.target as Node) || close.current();
    const away = () => close.current();
    document.addEventListener("pointerdown", outside, true);
    addEventListener("resize", away);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      removeEventListener("resize", away);
    };
  }, []);

  const onKeyDown = (event: React.KeyboardEvent) => {
    const items = [...menu.current!.querySelectorAll<HTMLElement>("[role^=menuitem]")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const row = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") onClose();
    else if (row) items[(at + row + items.length) % items.length]?.focus();
    else if (event.key === "Home") items[0]?.focus();
    else if (event.key === "End") items[items.length - 1]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      <div className="dm-menu-backdrop" />
      <div ref={menu} className="dm-menu" role="menu" tabIndex={-1} aria-label={label} onKeyDown={onKeyDown}>
        {children}
      </div>
    </>
  );
}

/** Keeps an element where something was pressed, within the page; a sheet has its own place. */
export function usePlaced(shown: RefObject<HTMLElement>, x: number, y: number): void {
  useLayoutEffect(() => {
    if (isPhone()) return;
    const element = shown.current!;
    const { width, height } = element.getBoundingClientRect();
    element.style.left = `${Math.max(MARGIN_PX, Math.min(x, innerWidth - width - MARGIN_PX))}px`;
    element.style.top = `${Math.max(MARGIN_PX, Math.min(y, innerHeight - height - MARGIN_PX))}px`;
  });
}

interface MenuItemProps {
  icon: ReactNode;
  label: string;
  danger?: boolean | undefined;
  onClick(): void;
}

export function MenuItem({ icon, label, danger, onClick }: MenuItemProps) {
  return (
    <button type="button" role="menuitem" tabIndex={-1} className={danger ? "dm-danger" : undefined} onClick={onClick}>
      {icon} {label}
    </button>
  );
}
