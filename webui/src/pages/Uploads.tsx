import * as React from "react";
import { type ReactElement, useReducer, useRef } from "react";
import { Lane, Upload } from "../net/upload";
import { nameOf, reasonOf, sizeOf } from "../i18n/uploads";
import { IconButton } from "../parts/icons";
import { useMessenger } from "../parts/messenger";

/** A button that uploads files: for pages and settings of plugins. */
export interface UploadsProps {
  /** The component's id. */
  id?: string;
  /** What the button says. */
  label?: string;
  /** The media types that may be chosen, such as `image/png`; a list. */
  accept?: string[];
  /** Whether several may be chosen at once. */
  multiple?: boolean;
  /** What was uploaded last, once all of it has arrived: a list of `id`, `name`, `media_type`, `bytes`. */
  blobs?: unknown[];
  setProps?(props: Partial<UploadsProps>): void;
}

export function Uploads({ label = "", accept = [], multiple = false, setProps }: UploadsProps): ReactElement | null {
  const app = useMessenger();
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const uploads = useRef<Upload[]>([]);
  const lane = useRef(new Lane());
  if (!app) return null;
  const { texts } = app;

  const changed = () => {
    draw();
    const all = uploads.current;
    if (!all.length || all.some((upload) => upload.state === "uploading")) return;
    const done = all.filter((upload) => upload.blob);
    uploads.current = all.filter((upload) => !upload.blob);
    if (done.length) setProps?.({ blobs: done.map((upload) => upload.blob) });
    draw();
  };
  const remove = (upload: Upload) => {
    upload.cancel();
    uploads.current = uploads.current.filter((other) => other !== upload);
    changed();
  };
  return (
    <div className="dm-uploads">
      <label className="dm-add-files">
        {label}
        <input type="file" multiple={multiple} accept={accept.join(",") || undefined}
          onChange={(event) => {
            const chosen = [...event.target.files ?? []].map((file) => new Upload(file, lane.current, changed));
            uploads.current = [...uploads.current, ...chosen];
            event.target.value = "";
            draw();
          }}
        />
      </label>
      {uploads.current.map((upload, at) => (
        <div key={at} className="dm-upload">
          <div className="dm-file-words">
            <span className="dm-file-name" dir="auto">{nameOf(upload.file)}</span>{" "}
            <span className="dm-file-size">{sizeOf(upload.file.size, texts.language)}</span>
            {upload.state === "uploading" && <progress max={1} value={upload.progress} aria-label={nameOf(upload.file)} />}
            {upload.state === "failed" && (
              <span className="dm-form-problem" role="alert">
                {reasonOf(texts, upload)}{" "}
                <button type="button" className="dm-link" onClick={() => upload.retry()}>{texts.t("retry")}</button>
              </span>
            )}
          </div>
          {upload.state !== "done" && <IconButton icon="close" label={`${texts.t("cancel")}: ${nameOf(upload.file)}`} onClick={() => remove(upload)} />}
        </div>
      ))}
    </div>
  );
}
