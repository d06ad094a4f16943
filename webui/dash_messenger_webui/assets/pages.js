// Moves between the pages of strangers, and does in the browser what the dialogs' callbacks leave to
// it. A link with data-to="login" shows that page without a new load.
(() => {
  const root = document.documentElement;
  const YEAR_S = 31536000;
  const PATHS = { landing: "/", login: "/login", register: "/register" };

  const keep = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=${YEAR_S}; samesite=lax`;
  };

  // What is chosen here reaches the other tabs of the browser; the same may be chosen again.
  const tellTabs = (name, choice) => {
    try {
      localStorage.setItem(`dm:chosen:${name}`, JSON.stringify({ ...choice, at: Date.now() }));
    } catch {
      // Without storage each tab finds out when it is loaded again.
    }
  };

  const shownScheme = () => {
    const { scheme } = root.dataset;
    if (scheme !== "auto") return scheme;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  };

  const wear = (theme, scheme) => {
    root.dataset.theme = theme;
    root.dataset.scheme = scheme;
    root.setAttribute("data-mantine-color-scheme", shownScheme());
  };

  // What would be lost by it, a form with files or what is shown only once, is waited for.
  const reloadWhenFree = () => {
    if (document.querySelector("dialog.dm-form") || unsaved()) setTimeout(reloadWhenFree, 500);
    else location.reload();
  };

  addEventListener("storage", ({ key, newValue }) => {
    if (!newValue || !key?.startsWith("dm:chosen:")) return;
    const { theme, scheme, language } = JSON.parse(newValue);
    if (language && language !== root.lang) reloadWhenFree();
    if (!theme || theme === root.dataset.theme) return;
    wear(theme, scheme);
    const set = window.dash_clientside.set_props;
    set?.("mantine", { forceColorScheme: shownScheme() });
    if (root.dataset.page === "messenger") set?.("theme", { value: theme });
  });

  // Back to where a page was opened: to the chat, with what was typed there.
  const cameFromHere = () => document.referrer.startsWith(`${location.origin}/`) && history.length > 1;

  const showPage = () => {
    const page = Object.keys(PATHS).find((name) => PATHS[name] === location.pathname);
    if (!page || root.dataset.page === "messenger" || root.dataset.page === "framed") return;
    root.dataset.page = page;
    const shown = document.querySelector(`.page-${page}`);
    if (shown?.dataset.title) document.title = shown.dataset.title;
    (shown?.querySelector("input") ?? shown?.querySelector(".button"))?.focus();
    scrollTo(0, 0);
  };

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("a[data-to]");
    if (link) {
      event.preventDefault();
      history.pushState(null, "", PATHS[link.dataset.to] + location.search);
      showPage();
      return;
    }
    if (event.target.closest("a[data-back]") && cameFromHere()) {
      event.preventDefault();
      history.back();
      return;
    }
    const language = event.target.closest("[data-language][aria-pressed]");
    if (language) {
      keep("lang", language.dataset.language);
      tellTabs("language", { language: language.dataset.language });
      location.reload();
    }
  });

  addEventListener("popstate", showPage);

  const why = new URLSearchParams(location.search).get("why");
  if (why) root.dataset.why = why;

  // Nobody is signed in: what an earlier session left in this browser is for nobody's eyes. Who is sent
  // here because a session expired goes on with what they wrote.
  const forgetEarlier = async () => {
    const written = why === "expired" ? [] : Object.keys(localStorage).filter((key) => /^dm:(outbox|draft|emoji):/.test(key));
    for (const key of written) localStorage.removeItem(key);
    const goesOn = (name) => why === "expired" && name.startsWith("dm-outbox-");
    for (const { name } of (await indexedDB.databases?.()) ?? []) if (name.startsWith("dm-") && !goesOn(name)) indexedDB.deleteDatabase(name);
  };
  if (root.dataset.page in PATHS) forgetEarlier().catch(() => undefined);

  const DIALOGS = ["settings"];

  // What would be lost when it is no longer shown: an element with data-unsaved, the question about it.
  // Bodies of messages may say anything, and nothing is lost by leaving them.
  const unsaved = () => document.querySelector(":is(.mantine-Modal-content, .framed-body) [data-unsaved]");
  const question = () => document.querySelector(".mantine-Modal-content .dialog-question");

  /** Whether the dialog stays, because it asks first; asked again, it goes back to what it shows. */
  const asksFirst = () => {
    const [what, place] = [unsaved(), question()];
    if (!what || !place) return false;
    place.hidden = !place.hidden;
    place.querySelector("[role=alert]").textContent = place.hidden ? "" : what.dataset.unsaved;
    (place.hidden ? what.querySelector("button, a") : place.querySelector("button"))?.focus();
    return true;
  };

  const close = (id) => window.dash_clientside.set_props(id, { opened: false });

  // Before Mantine hears of it, which would close the dialog.
  const stays = (event) => {
    // What lies over the dialog is closed first, by its own key.
    if (document.querySelector("dialog:modal")) {
      if (document.querySelector(".mantine-Modal-content")) event.stopImmediatePropagation();
      return;
    }
    if (!asksFirst()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  addEventListener("keydown", (event) => event.key === "Escape" && !event.isComposing && stays(event), true);
  addEventListener("click", (event) => {
    const { target } = event;
    const place = question();
    if (!place) return;
    if (target.matches(".mantine-Modal-inner, .mantine-Modal-overlay") || target.closest(".mantine-Modal-close")) return stays(event);
    const lost = target.closest("[data-close]");
    if (lost) close(lost.dataset.close);
    if (target.closest("[data-keep]")) return void asksFirst();
    // What is copied or saved is no longer lost.
    if (target.closest("[data-copy], a[download]")) target.closest("[data-unsaved]")?.removeAttribute("data-unsaved");
    place.hidden ||= !place.contains(target);
  }, true);
  addEventListener("beforeunload", (event) => unsaved() && !window.dashMessenger?.ended && event.preventDefault());

  // The settings were open when the page was loaded again in another language: they are again.
  const SAVED = "dm:saved";

  addEventListener("dm:started", () => {
    const set = window.dash_clientside.set_props;
    if (!sessionStorage.getItem(SAVED)) return;
    sessionStorage.removeItem(SAVED);
    setTimeout(() => {
      set("settings", { opened: true });
      set("settings-done", { children: document.getElementById("sentences")?.dataset.saved });
    });
  });
  const closed = {};

  window.dash_clientside = Object.assign(window.dash_clientside ?? {}, {
    messenger: {
      open(clicks) {
        takeBack();
        for (const id of ["settings-done", "display-name-done"]) window.dash_clientside.set_props(id, { children: null });
        window.dash_clientside.set_props("enter", { value: window.dashMessenger.enterSends ? "send" : "line" });
        window.dash_clientside.set_props("marks", { value: window.dashMessenger.knowsMarks ? "format" : "text" });
        return Boolean(clicks);
      },

      marks(value) {
        const known = value === "format";
        if (window.dashMessenger.knowsMarks !== known) window.dashMessenger.knowsMarks = known;
      },

      enter(value) {
        const sends = value === "send";
        if (window.dashMessenger.enterSends !== sends) window.dashMessenger.enterSends = sends;
      },

      // The browser's Back closes what is open; given are the dialogs of DIALOGS, open or not.
      layers(...opened) {
        DIALOGS.forEach((id, at) => {
          if (!opened[at] === !closed[id]) return;
          if (opened[at]) closed[id] = window.dashMessenger.route.layers.add(() => asksFirst() || void close(id));
          else {
            closed[id]();
            delete closed[id];
          }
        });
      },

      leave() {
        window.dashMessenger?.route.close();
        return "";
      },

      show_theme(theme) {
        if (theme !== root.dataset.theme) {
          // "dark" for a theme that is built on it, as its choice says.
          const schemes = JSON.parse(document.getElementById("theme-schemes")?.dataset.schemes ?? "{}");
          wear(theme, schemes[theme] ?? theme);
          keep("theme", theme);
          tellTabs("theme", { theme, scheme: root.dataset.scheme });
        }
        return shownScheme();
      },

      reload(language) {
        if (language) {
          keep("lang", language);
          if (language !== root.lang) tellTabs("language", { language });
          if (root.dataset.page === "messenger") sessionStorage.setItem(SAVED, "settings");
          location.reload();
        }
        return "";
      },

      async log_out(clicks) {
        return (clicks && (await window.dashMessenger?.signOut())) || "";
      },
    },
  });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => {
    if (root.dataset.scheme === "light" || root.dataset.scheme === "dark") return;
    root.setAttribute("data-mantine-color-scheme", matches ? "dark" : "light");
    window.dash_clientside.set_props?.("mantine", { forceColorScheme: matches ? "dark" : "light" });
  });

  // A section that is opened comes into view, and so does what comes into it later: it would grow below
  // the lower edge, where nobody sees that something happened.
  const SECTION = ".settings-panel, .settings-panel details, .leave, .banned, .details-about";
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let used = null;
  let panel = null;
  let height = 0;
  let said = "";
  // Nobody has done anything in it yet: its beginning may be shown where all of it has no room.
  let untouched = false;

  const alertIn = (section) => [...section.querySelectorAll('[role="alert"]')].find((one) => one.textContent);

  // Said since somebody last did something here.
  const news = () => {
    const alert = alertIn(panel);
    return alert?.textContent === said ? null : alert;
  };

  const bringIntoView = (alert) => {
    const room = (used.closest("section")?.clientHeight ?? innerHeight) * 0.85;
    const block = alert || used.offsetHeight <= room ? "nearest" : untouched ? "start" : null;
    if (block) (alert ?? used).scrollIntoView({ block, behavior: calm.matches ? "auto" : "smooth" });
  };

  const growth = new ResizeObserver(() => {
    const before = height;
    height = panel.offsetHeight;
    const alert = news();
    if (alert || (height > before && used.isConnected)) bringIntoView(alert);
  });

  const use = ({ type, target }) => {
    const section = target.closest?.(SECTION);
    if (!section?.open) return;
    untouched = type === "toggle" || (untouched && !!target.closest("summary"));
    used = section;
    const around = section.closest(".settings-panel") ?? section;
    // What is drawn again opens again, by nobody.
    if (type !== "toggle" || around !== panel) said = alertIn(around)?.textContent ?? "";
    if (around !== panel) {
      growth.disconnect();
      panel = around;
      height = panel.offsetHeight;
      growth.observe(panel);
    }
    if (type === "toggle") bringIntoView(news());
  };

  for (const sign of ["toggle", "click", "focusin"]) document.addEventListener(sign, use, true);

  // The menu of a member closes like other menus: by a press elsewhere or on what it does, and by Esc.
  const closeMenus = (but) => {
    for (const menu of document.querySelectorAll(".member-menu[open]")) if (!menu.contains(but)) menu.open = false;
  };

  document.addEventListener("pointerdown", ({ target }) => closeMenus(target), true);
  // It lies over what follows, and may reach below the panel's lower edge: what it asks, too.
  document.addEventListener("toggle", ({ target }) => {
    const menu = target.open && target.closest(".member-menu");
    if (menu) menu.querySelector(":scope > div").scrollIntoView({ block: "nearest" });
  }, true);
  document.addEventListener("click", ({ target }) => target.closest?.(".member-menu button") && closeMenus(null));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector(".member-menu[open]");
    if (!menu) return;
    event.preventDefault();
    event.stopPropagation();
    closeMenus(null);
    menu.querySelector("summary").focus();
  }, true);

  // What a callback without an answer means, in the dialogs that are open. Details are opened by
  // their callback: without it they open here.
  let told = [];

  const tell = (sentence, request) => {
    const set = window.dash_clientside.set_props;
    if (!set) return;
    const details = String(request?.body).includes('"timeline.details_clicks"');
    if (details) {
      for (const part of ["body", "form", "members", "rest"]) set(`details-${part}`, { children: null });
      set("details", { opened: true });
    }
    const open = [...DIALOGS, "details"].filter((id) => document.getElementById(`${id}-problem`));
    told = details ? [...new Set([...open, "details"])] : open;
    for (const id of told) set(`${id}-problem`, { children: sentence });
  };

  const takeBack = () => {
    for (const id of told) window.dash_clientside.set_props(`${id}-problem`, { children: null });
    told = [];
  };

  // Dash leaves what a callback disabled while it ran disabled for ever when no answer comes at all.
  // An empty answer ends the callback.
  const ask = window.fetch;
  window.fetch = async (address, ...rest) => {
    // Dash asks for what a page shows without saying which.
    const shows = root.dataset.page === "framed" && String(address).endsWith("/_dash-layout");
    if (shows) return ask(`${address}?page=${encodeURIComponent(location.pathname)}`, ...rest);
    if (!String(address).includes("_dash-update-component")) return ask(address, ...rest);
    takeBack();
    const response = await ask(address, ...rest).catch(() => null);
    const ended = response?.status === 401;
    if (response && response.status < 500 && !ended) return response;
    const words = document.getElementById("sentences")?.dataset ?? {};
    tell(!response ? words.unreachable : ended ? words.ended : words.failed, rest[0]);
    return new Response(null, { status: 204 });
  };
})();
