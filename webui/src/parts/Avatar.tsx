import * as React from "react";
import { useState } from "react";
import { hue, initials } from "../state/ids";
import { OnlineDot } from "./presence";

/** A person or group in a small circle: the photo, and until it has come or if it fails the initials. */
export interface AvatarProps {
  /** The component's id. */
  id?: string;
  /** The id of the person or group, which gives the colour. */
  of?: string;
  /** The name, which gives the initials and stands beside it. */
  name?: string;
  /** The blob that pictures them, or the picture itself as a `data:` address. */
  photo?: string | null;
  /** The width in pixels: 24, 32, 40, 48, 56 or 72. */
  size?: number;
  /** Whether a dot says that they are there, where they show it. */
  presence?: boolean;
}

export const Avatar = React.memo(function Avatar({ of = "", name = "", photo, size = 40, presence }: AvatarProps) {
  const [failed, setFailed] = useState<string | null>(null);
  const face = (
    <span className={`dm-avatar dm-avatar-${size}`} data-hue={hue(of)} aria-hidden="true">
      {initials(name)}
      {photo && photo !== failed && (
        <img key={photo} src={photo.startsWith("data:") ? photo : `/blobs/${photo}`} alt="" width={size} height={size} loading="lazy" decoding="async"
          draggable={false} onError={() => setFailed(photo)}
        />
      )}
    </span>
  );
  return presence ? <span className="dm-avatar-dotted">{face}<OnlineDot id={of} /></span> : face;
});
