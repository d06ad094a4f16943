// The loaded messages of a conversation, by their numbers: where one belongs, and which revision holds.
// Pure.

import type { Message } from "../net/wire";

/** Messages without a hole, oldest first, and whether there are more on either side. */
export interface Loaded {
  messages: readonly Message[];
  moreBefore: boolean;
  moreAfter: boolean;
}

/** The higher revision; the known one where both are the same, unless only the other is drawn. */
export function newer(known: Message | undefined, fresh: Message): Message {
  if (!known || fresh.rev > known.rev) return fresh;
  return known.view === undefined && fresh.view !== undefined && fresh.rev === known.rev ? fresh : known;
}

/** The loaded messages with another one, or another revision, at its place. */
export function insert({ messages, moreBefore, moreAfter }: Loaded, message: Message): readonly Message[] {
  const last = messages[messages.length - 1];
  if (!last || message.number > last.number) {
    // Beyond a hole: it will be loaded with the pages that fill it.
    return moreAfter ? messages : [...messages, message];
  }
  const at = find(messages, message.number);
  const there = messages[at];
  if (there?.number === message.number) {
    const kept = newer(there, message);
    return kept === there ? messages : [...messages.slice(0, at), kept, ...messages.slice(at + 1)];
  }
  return at === 0 && moreBefore ? messages : [...messages.slice(0, at), message, ...messages.slice(at)];
}

/** The index of the first message whose number is not below `number`. */
export function find(messages: readonly Message[], number: number): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messages[middle]!.number < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
