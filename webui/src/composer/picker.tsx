// What a message type offers to choose from, such as stickers: what is chosen is sent at once.

import * as React from "react";
import type { ComposerOf } from "../state/composers";
import type { Messenger } from "../parts/messenger";
import { type Choice, type Group, Picker } from "../parts/picker";

interface Sent extends Choice {
  image: string;
  content: Record<string, unknown>;
}

const SEARCH_AFTER_MS = 200;
// How large a picture stands among the messages until the server has drawn it: the longer side.
const SENT_PX = 192;
const kept = new WeakMap<Messenger, Map<string, Group<Sent>[]>>();

/** What a picker showed last: it opens with that, at once, and is brought up to date after. */
function last(app: Messenger): Map<string, Group<Sent>[]> {
  const known = kept.get(app) ?? new Map<string, Group<Sent>[]>();
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
  const ask = async (query: string) => {
    const { groups } = await app.call<{ groups: Group<Sent>[] }>(composer.picker!, { query, language: app.texts.language });
    if (!query) last(app).set(composer.type, groups);
    return groups;
  };
  const choose = ({ content, label, image: src }: Sent, shown: HTMLImageElement | null) => {
    const longest = Math.max(shown?.naturalWidth ?? 0, shown?.naturalHeight ?? 0);
    const [width, height] = longest ? [shown!.naturalWidth, shown!.naturalHeight].map((side) => Math.round((side / longest) * SENT_PX)) : [SENT_PX, SENT_PX];
    app.outbox.send(conversation, { type: composer.type, content, text: label || composer.label, picture: { src, width: width!, height: height! } });
    onClose(true);
  };
  return <Picker app={app} label={composer.label} ask={ask} known={last(app).get(composer.type)} searchAfterMs={SEARCH_AFTER_MS} onChoose={choose} onClose={onClose} />;
}
