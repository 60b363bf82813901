// Joins the parts: address, filters, grid, theme, copy buttons, keys.

const root = document.documentElement;
const controls = Object.fromEntries(
  ["q", "column", "outcome", "cause"].map((id) => [id, document.getElementById(id)]),
);
const statusLine = document.getElementById("status");
const grid = Grid.fromPage();
let filter = readFilter(location.hash);

const view = new GridView(document.getElementById("grid"), grid, {
  panel: (row) => rowPanel(grid, row),
  onOpen: (row) => setAddress({ ...filter, key: row < 0 ? "" : grid.key(row) }),
});

function setAddress(changed) {
  filter = changed;
  const hash = writeFilter(filter);
  if (hash !== location.hash) history.replaceState(null, "", hash || location.pathname + location.search);
}

/** Make page and address say what the filter says. */
function apply() {
  for (const [name, control] of Object.entries(controls)) {
    if (control.value !== filter[name]) control.value = filter[name];
    control.classList.toggle("set", Boolean(filter[name]));
  }
  const target = filter.key ? grid.find(wellFormed(filter.key)) : -1;
  const rows = matchingRows(grid, filter, target);
  filterEntries(grid, filter, rows);
  view.openRow = target;
  view.showRows(rows, filter);
  setAddress(filter);
  document.getElementById("clear").disabled = !narrows(filter);
  say(rows.length, target);
  return target;
}

function say(count, target) {
  const parts = [];
  if (narrows(filter)) parts.push(`${count.toLocaleString("en")} of ${grid.size.toLocaleString("en")} tests match.`);
  if (filter.key && target < 0) parts.push(`No row here for ${show(filter.key).slice(0, 200)}; see report.json.`);
  statusLine.textContent = parts.join(" ");
  statusLine.hidden = !parts.length;
}

/** Go to the row the address names; it is open and marked then. */
function goToRow(target) {
  view.active = { index: view.items.indexOf(target), column: -1 };
  view.redraw();
  view.measurePanel();
  view.reveal(view.openIndex, { always: true });
  view.focusActive();
}

function follow(hash) {
  const changed = readFilter(hash);
  const merged = { ...filter, ...Object.fromEntries(Object.entries(changed).filter(([, value]) => value)) };
  filter = merged;
  const target = apply();
  if (changed.key && target >= 0) goToRow(target);
  else document.querySelector("[data-section]:not([hidden]), .grid-section").scrollIntoView();
}

function changedByHand() {
  const values = Object.entries(controls).map(([name, control]) => [name, control.value]);
  filter = { ...filter, ...Object.fromEntries(values) };
  apply();
}

function clearFilter() {
  filter = readFilter("");
  apply();
}

function currentTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return root.dataset.theme ?? (dark ? "dark" : "light");
}

function nameTheme() {
  const other = currentTheme() === "dark" ? "light" : "dark";
  document.getElementById("theme").setAttribute("aria-label", `Switch to the ${other} theme`);
  document.getElementById("theme").title = `Switch to the ${other} theme`;
}

function switchTheme() {
  root.dataset.theme = currentTheme() === "dark" ? "light" : "dark";
  nameTheme();
  try {
    localStorage.setItem("metaflow-backends-theme", root.dataset.theme);
  } catch {
    // Storage may be closed to local files: the choice then lasts as long as the page.
  }
}

function clicked(event) {
  const link = event.target.closest('a[href^="#"]');
  const button = event.target.closest("[data-copy]");
  if (button) copyFrom(button);
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const hash = link.getAttribute("href");
  if (hash.includes("=")) follow(hash);
  else jump(document.getElementById(hash.slice(1)));
}

/** Go to a section; the address keeps the filters. */
function jump(section) {
  section.scrollIntoView();
  section.focus({ preventScroll: true });
}

function pressed(event) {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    controls.q.focus();
  } else if (event.key === "Escape" && view.openRow >= 0 && !typing) {
    view.open(-1);
    view.focusActive();
  }
}

let waiting;
controls.q.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(changedByHand, grid.size > 5000 ? 160 : 40);
});
for (const name of ["column", "outcome", "cause"]) controls[name].addEventListener("change", changedByHand);
document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("clear").addEventListener("click", clearFilter);
document.getElementById("theme").addEventListener("click", switchTheme);
document.addEventListener("click", clicked);
document.addEventListener("keydown", pressed);
addEventListener("hashchange", () => {
  filter = readFilter(location.hash);
  const target = apply();
  if (target >= 0) goToRow(target);
});
const bar = document.querySelector(".top");
new ResizeObserver(() => root.style.setProperty("--top", `${bar.offsetHeight}px`)).observe(bar);

nameTheme();
if (filter.key) history.scrollRestoration = "manual";
const first = apply();
if (first >= 0) requestAnimationFrame(() => goToRow(first));
