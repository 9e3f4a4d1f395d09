// Switch dark and light, remember it where the browser lets a file do so; keep the place when the language is switched.
let placeToKeep = () => location.hash; // a page that keeps more than a place says so here
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => { try { return localStorage.getItem("colours"); } catch { return null; } };
  const remember = (value) => { try { localStorage.setItem("colours", value); } catch { /* for this page alone */ } };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const chosen = remembered();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const tell = () => button.setAttribute("aria-pressed", String(isDark()));
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      remember(root.dataset.theme);
      tell();
    });
    dark.addEventListener("change", tell);
    tell();
  });

  const keepPlace = (event) => {
    const link = event.target.closest && event.target.closest("header a[hreflang]");
    if (link && link.hreflang !== root.lang) link.hash = placeToKeep();
  };
  document.addEventListener("click", keepPlace, true);
  document.addEventListener("auxclick", keepPlace, true);
})();
