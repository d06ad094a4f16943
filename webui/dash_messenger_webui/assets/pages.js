// Moves between the pages of strangers, opens dialogs, and does in the browser what the dialogs'
// callbacks leave to it. Anything that says data-dialog="new-chat" (or new-group, details, settings)
// opens that dialog when it is clicked; data-to="login" shows that page.
(() => {
  const root = document.documentElement;
  const YEAR_S = 31536000;
  const PATHS = { landing: "/", login: "/login", register: "/register" };
  const CONVERSATION = /^\/c\/([0-9a-f]{32})/;

  const keep = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=${YEAR_S}; samesite=lax`;
  };

  const showPage = () => {
    const page = Object.keys(PATHS).find((name) => PATHS[name] === location.pathname);
    if (!page || root.dataset.page === "messenger") return;
    root.dataset.page = page;
    const shown = document.querySelector(`.page-${page}`);
    const heading = shown?.querySelector("h1");
    if (heading) document.title = page === "landing" ? "Messenger" : heading.textContent;
    (shown?.querySelector("input") ?? heading)?.focus();
    scrollTo(0, 0);
  };

  const openDialog = (name) => {
    const { set_props } = window.dash_clientside;
    if (name !== "details") return set_props(name, { opened: true });
    const conversation = CONVERSATION.exec(location.pathname)?.[1];
    // The time makes each wish a new one.
    if (conversation) {
      set_props("details-of", { "data-conversation": `${conversation}.${Date.now()}` });
    }
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
    const language = event.target.closest("[data-language][aria-pressed]");
    if (language) {
      keep("lang", language.dataset.language);
      location.reload();
      return;
    }
    const opener = event.target.closest("[data-dialog]");
    if (opener) openDialog(opener.dataset.dialog);
  });

  addEventListener("popstate", showPage);

  const why = new URLSearchParams(location.search).get("why");
  if (why) root.dataset.why = why;

  window.dash_clientside = Object.assign(window.dash_clientside ?? {}, {
    messenger: {
      go(wish) {
        const conversation = (wish ?? "").split(".")[0];
        const { route } = window.dashMessenger ?? {};
        if (!route) location.assign(conversation ? `/c/${conversation}` : "/");
        else if (conversation) route.open(conversation);
        else route.close();
        return "";
      },

      show_theme(theme) {
        keep("theme", theme);
        root.dataset.theme = theme;
        if (theme !== "auto") return theme;
        return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      },

      reload(language) {
        if (language) {
          keep("lang", language);
          location.reload();
        }
        return "";
      },

      log_out(clicks) {
        if (!clicks) return false;
        window.dashMessenger?.signOut();
        return true;
      },
    },
  });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => {
    if (root.dataset.theme === "light" || root.dataset.theme === "dark") return;
    root.setAttribute("data-mantine-color-scheme", matches ? "dark" : "light");
    window.dash_clientside.set_props?.("mantine", { forceColorScheme: matches ? "dark" : "light" });
  });
})();
