// Sets the colour scheme before anything is painted. The server has written the reader's choice on
// <html>; "auto" goes by the device.
(() => {
  const root = document.documentElement;
  const wanted = root.dataset.scheme;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const scheme = wanted === "dark" || (wanted !== "light" && dark.matches) ? "dark" : "light";
  root.setAttribute("data-mantine-color-scheme", scheme);
})();
