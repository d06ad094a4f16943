import * as React from "react";
import { useState } from "react";
import { hue, initials } from "../state/ids";

/** A person or group in a small circle: the photo, and until it has come or if it fails the initials. */
export interface AvatarProps {
  /** The component's id. */
  id?: string;
  /** The id of the person or group, which gives the colour. */
  of?: string;
  /** The name, which gives the initials and stands beside it. */
  name?: string;
  /** The blob that pictures them. */
  photo?: string | null;
  /** The width in pixels: 24, 32, 40, 48, 56 or 72. */
  size?: number;
}

export const Avatar = React.memo(function Avatar({ of = "", name = "", photo, size = 40 }: AvatarProps) {
  const [failed, setFailed] = useState<string | null>(null);
  return (
    <span className={`dm-avatar dm-avatar-${size}`} data-hue={hue(of)} aria-hidden="true">
      {initials(name)}
      {photo && photo !== failed && (
        <img key={photo} src={`/blobs/${photo}`} alt="" width={size} height={size} loading="lazy" decoding="async"
          draggable={false} onError={() => setFailed(photo)}
        />
      )}
    </span>
  );
});
