import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { alsoOf, claimOf, type ComposerOf, markedBy } from "../../src/state/composers";

const photo: ComposerOf = {
  type: "photo", label: "Photo", also: { label: "Photo or video", accept: ["video/*"] },
  fields: [{ kind: "files", name: "photos", label: "Photos", accept: ["image/png", "image/jpeg"] }],
};
const files: ComposerOf = { type: "files", label: "File", fields: [{ kind: "files", name: "files", label: "Files", accept: ["*/*"] }] };
const poll: ComposerOf = { type: "poll", label: "Poll", fields: [{ kind: "text", name: "question", label: "Question" }] };
const films: ComposerOf = { type: "films", label: "Film", fields: [{ kind: "files", name: "films", label: "Films", accept: ["video/mp4", "video/*"] }] };

const mp4 = { name: "a.mp4", type: "video/mp4" };

test("videos are offered beside photos while some type takes them", () => {
  assert.equal(alsoOf(photo, [poll, files])?.label, "Photo or video");
  assert.equal(alsoOf(photo, [poll]), undefined);
  assert.equal(alsoOf(files, [photo, poll]), undefined);
});

test("a video goes to the type that says it takes videos, else to one that takes all", () => {
  assert.equal(claimOf([photo, files, poll], [mp4]), files);
  assert.equal(claimOf([photo, files, films, poll], [mp4]), films);
  assert.equal(claimOf([photo, poll], [mp4]), undefined);
});

test("a text is of the type whose marks it holds, if the browser knows their syntax", () => {
  const marked: ComposerOf = { type: "markdown", label: "Markdown", field: "text", marks: ["(", "\\*\\*\\S+\\*\\*"] };
  assert.equal(markedBy([poll, marked], "**tea**"), marked);
  assert.equal(markedBy([poll, marked], "tea ("), undefined);
});
