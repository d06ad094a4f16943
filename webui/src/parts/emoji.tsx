// The panel of emoji. What it knows of them is a script of its own, loaded when it is first needed.

import * as React from "react";
import { useState } from "react";
import type * as Script from "./emoji_script";
import type { Messenger } from "./messenger";
import { Picker } from "./picker";

export type Emoji = typeof Script;

let loading: Promise<Emoji> | null = null;

/** What there is to know of emoji. Rejected where it cannot be loaded now; the next call tries again. */
export function loadEmoji(app: Messenger): Promise<Emoji> {
  loading ??= (import(app.emojiScript) as Promise<Emoji>).catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

interface EmojiProps {
  app: Messenger;
  modal?: boolean;
  onChoose(text: string): void;
  onClose(back: boolean): void;
}

export function EmojiPicker({ app, modal, onChoose, onClose }: EmojiProps) {
  const { texts, store: { me } } = app;
  const [script, setScript] = useState<Emoji | null>(null);
  const [tone, setTone] = useState(0);
  return (
    <Picker<Script.Choice> app={app} label={texts.t("emoji")} version={tone} modal={modal} choosesFirst onClose={onClose}
      ask={async (query) => {
        const emoji = await loadEmoji(app);
        setScript(emoji);
        setTone(emoji.tone(me.id));
        return emoji.groups(me.id, texts.language, query);
      }}
      onChoose={({ id, text }) => {
        script!.use(me.id, id);
        onChoose(text);
      }}
      beside={script && (
        <script.Tones language={texts.language} chosen={tone}
          onChoose={(chosen) => {
            script.setTone(me.id, chosen);
            setTone(chosen);
          }}
        />
      )}
    />
  );
}
