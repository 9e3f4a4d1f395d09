// Search the communes, and choose the figure of the map; both stand in the address after #, so that a link keeps them.
document.addEventListener("DOMContentLoaded", () => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[đĐ]/g, "d").toLowerCase();
  const search = document.getElementById("search"), wanted = document.getElementById("wanted");
  const found = document.getElementById("found"), choose = document.getElementById("choose");
  const figure = document.getElementById("figure");
  const tables = all(".pages").map((place) => ({ place, rows: all("tbody tr", place) }));
  const rows = tables.flatMap((table) => table.rows).map((row) => {
    const name = row.cells[0];
    return { row, text: plain(name.textContent), code: name.querySelector("small").textContent };
  });
  const tiles = all(".tiles [data-code]");

  const seek = () => {
    const words = plain(wanted.value).split(/\s+/).filter(Boolean);
    const hits = new Set();
    for (const { row, text, code } of rows) {
      const hit = words.every((word) => text.includes(word));
      if (row.hidden === hit) row.hidden = !hit;
      if (hit) hits.add(code);
    }
    for (const table of tables) table.place.hidden = table.rows.every((row) => row.hidden);
    for (const tile of tiles) tile.classList.toggle("found", words.length > 0 && hits.has(tile.dataset.code));
    const said = found.dataset[hits.size === 0 ? "zero" : hits.size === 1 ? "one" : "many"];
    found.textContent = words.length ? said.replace("#", hits.size.toLocaleString(document.documentElement.lang)) : "";
  };

  const show = () => {
    for (const map of all(".map")) map.hidden = map.id !== `map-${figure.value}`;
  };

  const isState = () => location.hash.includes("="); // else it is the address of a section

  const state = () => {
    const chosen = new URLSearchParams();
    if (figure && figure.selectedIndex > 0) chosen.set("figure", figure.value);
    if (wanted.value.trim()) chosen.set("find", wanted.value.trim());
    return `${chosen}` && `#${chosen}`;
  };

  const keep = () => {
    const hash = state();
    if (hash === location.hash || (!hash && !isState())) return;
    const address = hash || location.pathname + location.search;
    try { history.replaceState(null, "", address); } catch { /* a browser that does not let a file do so */ }
  };
  // What was chosen, not what the address says: the browser may not have let us change it.
  placeToKeep = () => state() || (isState() ? "" : location.hash);

  const take = () => {
    if (location.hash && !isState()) return;
    const given = new URLSearchParams(location.hash.slice(1));
    wanted.value = given.get("find") || "";
    seek();
    if (!figure) return;
    const place = [...figure.options].findIndex((option) => option.value === given.get("figure"));
    figure.selectedIndex = Math.max(place, 0);
    show();
  };

  search.hidden = false;
  wanted.addEventListener("input", () => { seek(); keep(); });
  wanted.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    const first = rows.find(({ row }) => !row.hidden && row.cells[0].querySelector("a"));
    if (!first || !wanted.value.trim()) return;
    event.preventDefault();
    first.row.cells[0].querySelector("a").focus();
  });
  if (choose) {
    choose.hidden = false;
    figure.addEventListener("change", () => { show(); keep(); });
  }
  addEventListener("hashchange", take);
  take();
});
