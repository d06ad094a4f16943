// Players of audio and video in messages, as `ui.py` draws them, and what is known of a file that is
// chosen to be sent. One plays at a time. A sound goes on while its message is scrolled out of sight;
// another chat pauses it, and it goes on from there. A video out of sight is paused.

const RATES = [1, 1.5, 2];
const STEP_S = 5;
const MAX_KEPT = 30;
const POSTER_SIDE_PX = 960;

/** By address: what was begun in this page. */
const sounds = new Map();
/** How far videos were seen. */
const positions = new Map();
let playing = null;
let rate = 1;

/** A time as people write it: 0:07, 12:34, 1:02:03. */
export function clock(seconds) {
  const all = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

// Any other player of the page stops this one, and this one any other.
document.addEventListener("play", ({ target }) => target instanceof HTMLMediaElement && playAlone(target), true);

function playAlone(media) {
  if (playing && playing !== media) playing.pause();
  playing = media;
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    target.look();
  }
});

class Player extends HTMLElement {
  connectedCallback() {
    if (this.hasAttribute("data-cannot")) return;
    this.src = this.dataset.src;
    this.seeker = this.querySelector(".seek");
    this.button = this.querySelector(".play");
    this.name ??= this.button.getAttribute("aria-label");
    this.seeking = false;
    /** Whether its reader wants to hear or see it; what is only looked at fails in silence. */
    this.wanted = false;
    for (const one of this.querySelectorAll("[disabled]")) one.disabled = false;
    this.seeker.oninput = () => {
      this.seeking = true;
      this.draw();
    };
    this.seeker.onchange = () => {
      this.seeking = false;
      this.seek(Number(this.seeker.value) * this.length);
    };
    this.seeker.onkeydown = (event) => this.pressed(event);
    this.button.onclick = () => this.toggle();
    this.set();
    if (this.media) this.follow(this.media);
    this.draw();
  }

  disconnectedCallback() {
    seen.unobserve(this);
    this.heard?.abort();
  }

  /** Hear of what a media element does. */
  follow(media) {
    this.heard?.abort();
    this.heard = new AbortController();
    this.media = media;
    const draw = () => this.draw();
    const names = "timeupdate seeked play playing waiting pause ended ratechange volumechange loadedmetadata durationchange";
    for (const name of names.split(" ")) media.addEventListener(name, draw, this.heard);
    media.addEventListener("error", () => void this.failed(), this.heard);
    this.draw();
  }

  /** In seconds; a recording without an end knows none, its message may. */
  get length() {
    const own = this.media?.duration;
    return Number.isFinite(own) && own > 0 ? own : Number(this.dataset.ms || 0) / 1000;
  }

  toggle() {
    this.wanted = true;
    const media = this.open();
    this.removeAttribute("data-lost-now");
    if (media.paused) void media.play().catch(() => undefined);
    else media.pause();
  }

  seek(seconds) {
    this.wanted = true;
    const media = this.open();
    const to = Math.min(Math.max(0, seconds), this.length);
    const go = () => (media.currentTime = to);
    if (media.readyState) go();
    else {
      media.preload = "metadata";
      media.addEventListener("loadedmetadata", go, { once: true });
    }
  }

  pressed(event) {
    const at = this.media?.currentTime ?? 0;
    const page = Math.max(STEP_S, this.length / 10);
    const to = {
      ArrowRight: at + STEP_S, ArrowUp: at + STEP_S, ArrowLeft: at - STEP_S, ArrowDown: at - STEP_S,
      PageUp: at + page, PageDown: at - page, Home: 0, End: this.length,
    }[event.key];
    if (event.key === " ") this.toggle();
    else if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    else this.seek(to);
    event.preventDefault();
    event.stopPropagation();
  }

  draw() {
    const { media, seeker, length } = this;
    const plays = !!media && !media.paused && !media.ended;
    const at = this.seeking ? Number(seeker.value) * length : media?.currentTime ?? 0;
    const part = length ? Math.min(1, at / length) : 0;
    if (!this.seeking) seeker.value = String(part);
    seeker.style.setProperty("--part", String(part));
    const [shown, whole] = [clock(at), length ? clock(Math.round(length)) : "–:––"];
    seeker.setAttribute("aria-valuetext", this.dataset.of.replace("{at}", shown).replace("{length}", whole));
    this.querySelector(".at").textContent = shown;
    this.querySelector(".length").textContent = whole;
    this.button.setAttribute("aria-label", plays ? this.button.dataset.pause : this.name);
    this.toggleAttribute("data-plays", plays);
    this.toggleAttribute("data-waits", plays && media.readyState < 3);
    this.toggleAttribute("data-begun", !!media && (plays || at > 0));
  }

  /** Tell what cannot be played from what could not be fetched. */
  async failed() {
    const there = await fetch(this.src, { method: "HEAD" }).then(({ ok }) => ok, () => false);
    if (!this.isConnected) return;
    this.heard?.abort();
    this.discard();
    this.media = null;
    if (there) {
      this.setAttribute("data-cannot", "");
      this.replaceChildren(this.querySelector("template").content.cloneNode(true));
    } else {
      this.toggleAttribute("data-lost-now", this.wanted);
      this.draw();
    }
  }
}

class Sound extends Player {
  set() {
    const known = sounds.get(this.src);
    this.speed = this.querySelector(".speed");
    this.speed.onclick = () => {
      rate = RATES[(RATES.indexOf(rate) + 1) % RATES.length];
      for (const media of sounds.values()) media.playbackRate = rate;
      this.draw();
    };
    if (known) this.media = known;
    else if (!this.dataset.ms) seen.observe(this);
  }

  look() {
    this.open("metadata");
  }

  open(preload = "auto") {
    let media = sounds.get(this.src);
    if (!media) {
      media = new Audio();
      media.preload = preload;
      media.src = this.src;
      sounds.set(this.src, media);
      keepFew();
    }
    if (this.media !== media) {
      this.follow(media);
      watch(media);
    }
    media.playbackRate = rate;
    return media;
  }

  draw() {
    super.draw();
    const label = this.speed.getAttribute("aria-label").replace(/[\d.]+×$/, `${rate}×`);
    this.speed.textContent = `${rate}×`;
    this.speed.setAttribute("aria-label", label);
  }

  discard() {
    sounds.delete(this.src);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    const { media, src } = this;
    if (!media) return;
    if (media.paused && !media.currentTime) sounds.delete(src);
    // Its message may have been deleted, be drawn again, or be of a chat that was left.
    const row = this.closest("[data-id]") ?? this.row;
    setTimeout(() => {
      const again = document.querySelector(`files-sound[data-src="${src}"]`);
      if ((row?.isConnected && !again) || location.pathname !== media.chat) media.pause();
    });
  }

  connectedCallback() {
    super.connectedCallback();
    this.row = this.closest("[data-id]");
  }
}

/** Pause a sound when another chat is opened, also where its message is not mounted any more. */
function watch(media) {
  if (media.chat) return;
  media.chat = location.pathname;
  media.addEventListener("play", () => {
    media.chat = location.pathname;
    playAlone(media);
  });
  media.addEventListener("timeupdate", () => location.pathname !== media.chat && media.pause());
  media.addEventListener("ended", () => (media.currentTime = 0));
}

function keepFew() {
  for (const [src, media] of sounds) {
    if (sounds.size <= MAX_KEPT) return;
    if (media.paused && media.readyState) sounds.delete(src);
  }
}

class Film extends Player {
  set() {
    this.picture = this.querySelector("img");
    this.querySelector(".start").onclick = () => {
      this.toggle();
      this.button.focus({ preventScroll: true });
    };
    const full = this.querySelector(".full");
    full.hidden = !document.fullscreenEnabled && !HTMLVideoElement.prototype.webkitEnterFullscreen;
    full.onclick = () => this.fill();
    this.onfullscreenchange = () => full.setAttribute("aria-pressed", String(document.fullscreenElement === this));
    this.querySelector(".mute").onclick = () => {
      const media = this.open();
      media.muted = !media.muted;
    };
    const volume = this.querySelector(".volume");
    volume.oninput = () => Object.assign(this.open(), { volume: Number(volume.value), muted: false });
    volume.onkeydown = (event) => event.stopPropagation();
    this.onkeydown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !this.hasAttribute("data-opened")) return;
      if (event.code === "KeyF") this.fill();
      else if (event.code === "KeyM") this.querySelector(".mute").click();
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    if (!this.picture && !this.media) seen.observe(this);
  }

  look() {
    // The first frame stands for the picture that there is none of.
    if (!this.media) this.open("metadata", "#t=0.1");
  }

  open(preload = "auto", fragment = "") {
    if (this.media) return this.media;
    const media = document.createElement("video");
    media.playsInline = true;
    media.preload = preload;
    media.src = this.src + fragment;
    media.onclick = () => this.hasAttribute("data-opened") && this.toggle();
    // Until its first frame is there, its picture is.
    media.onloadeddata = () => this.picture?.remove();
    const from = positions.get(this.src);
    if (from) media.addEventListener("loadedmetadata", () => (media.currentTime = from), { once: true });
    this.prepend(media);
    this.follow(media);
    return media;
  }

  toggle() {
    this.setAttribute("data-opened", "");
    super.toggle();
  }

  fill() {
    const { media } = this;
    if (document.fullscreenElement === this) void document.exitFullscreen();
    else if (document.fullscreenEnabled) void this.requestFullscreen();
    else media?.webkitEnterFullscreen?.();
  }

  draw() {
    super.draw();
    const { media } = this;
    const badge = this.querySelector(".badge");
    if (this.length) badge.textContent = clock(Math.round(this.length));
    badge.hidden = !badge.textContent;
    if (!media) return;
    this.querySelector(".mute").setAttribute("aria-pressed", String(media.muted || !media.volume));
    const volume = this.querySelector(".volume");
    volume.value = String(media.muted ? 0 : media.volume);
    volume.style.setProperty("--part", volume.value);
  }

  discard() {
    this.media?.remove();
    this.removeAttribute("data-opened");
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    const { media } = this;
    if (!media) return;
    if (this.hasAttribute("data-opened")) positions.set(this.src, media.ended ? 0 : media.currentTime);
    media.pause();
  }
}

customElements.define("files-sound", Sound);
customElements.define("files-film", Film);

/** How long audio or video is; of video its size and a picture too. Nothing of what cannot be played. */
export async function describe(file) {
  const [kind] = file.type.split("/");
  if (kind !== "audio" && kind !== "video") return {};
  const media = document.createElement("video");
  const address = URL.createObjectURL(file);
  try {
    Object.assign(media, { muted: true, playsInline: true, preload: "auto", src: address });
    await until(media, "loadedmetadata");
    const seconds = await lengthOf(media);
    const { videoWidth: width, videoHeight: height } = media;
    const said = seconds ? { duration_ms: Math.max(1, Math.round(seconds * 1000)) } : {};
    return width && height ? { ...said, width, height, poster: await posterOf(media, seconds) } : said;
  } catch {
    return {};
  } finally {
    media.removeAttribute("src");
    media.load();
    URL.revokeObjectURL(address);
  }
}

/** In seconds. What a browser has recorded says its length at its end alone. */
async function lengthOf(media) {
  if (media.duration === Infinity) {
    const known = until(media, "durationchange");
    media.currentTime = 1e9;
    await known;
  }
  return Number.isFinite(media.duration) ? media.duration : 0;
}

async function posterOf(media, seconds) {
  const there = until(media, "seeked");
  media.currentTime = Math.min(1, seconds / 4);
  await there;
  const part = Math.min(1, POSTER_SIDE_PX / Math.max(media.videoWidth, media.videoHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(media.videoWidth * part));
  canvas.height = Math.max(1, Math.round(media.videoHeight * part));
  canvas.getContext("2d").drawImage(media, 0, 0, canvas.width, canvas.height);
  const made = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
  return made ?? undefined;
}

function until(media, name) {
  return new Promise((resolve, reject) => {
    media.addEventListener(name, resolve, { once: true });
    media.addEventListener("error", () => reject(media.error), { once: true });
  });
}
