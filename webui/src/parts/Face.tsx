// How a conversation is pictured: by the other one, the group, or a bookmark.

import * as React from "react";
import type { Conversation, User } from "../net/wire";
import { faceOf, photoOf } from "../state/people";
import { Avatar } from "./Avatar";
import { Icon } from "./icons";

interface FaceProps {
  conversation: Conversation;
  users: Readonly<Record<string, User>>;
  title: string;
  size: number;
  /** Whether a dot says that the other one is there. */
  presence?: boolean;
}

export function Face({ conversation, users, title, size, presence = false }: FaceProps) {
  if (conversation.kind === "saved") {
    return <span className={`dm-avatar dm-avatar-${size} dm-avatar-saved`} aria-hidden="true"><Icon name="bookmark" size={size / 2} /></span>;
  }
  return <Avatar of={faceOf(conversation)} name={title} photo={photoOf(conversation, users)} size={size} presence={presence} />;
}
