// Which rows and entries are shown, and how that is written in the address of the page.

const FIELDS = ["q", "column", "outcome", "cause", "key"];

function readFilter(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  return Object.fromEntries(FIELDS.map((name) => [name, given.get(name) ?? ""]));
}

function writeFilter(filter) {
  const parts = FIELDS.filter((name) => filter[name]).map(
    (name) => `${name}=${encodeURIComponent(wellFormed(filter[name]))}`,
  );
  return parts.length ? `#${parts.join("&")}` : "";
}

function narrows(filter) {
  return Boolean(filter.q || filter.column || filter.outcome || filter.cause);
}

/** Say whether a cell is meant: the predicate gets row, column and state. */
function cellTest(grid, filter) {
  const { outcome, cause } = filter;
  const wanted = grid.states.indexOf(outcome);
  const special = { "": (state) => state !== 0, red: (state) => grid.red.has(state) };
  const byState =
    outcome === "disagree" ? special[""] : (special[outcome] ?? ((state) => state === wanted));
  return (row, column, state) =>
    byState(state) && (!cause || grid.cause(row, column) === cause);
}

/** List the rows that are left, as a set of flags and in order; `keep` is always among them. */
function matchingRows(grid, filter, keep) {
  const words = filter.q.toLowerCase().split(/\s+/).filter(Boolean);
  const only = filter.column ? [grid.columns.indexOf(filter.column)] : grid.columns.keys();
  const columns = [...only].filter((column) => column >= 0);
  const test = cellTest(grid, filter);
  const anyCell = Boolean(filter.column || filter.outcome || filter.cause);
  const rows = [];
  for (let row = 0; row < grid.size; row++) {
    const found =
      (!anyCell || columns.some((column) => test(row, column, grid.state(row, column)))) &&
      (filter.outcome !== "disagree" || grid.disagreeing.has(row)) &&
      (!words.length || words.every((word) => grid.searchable(row).includes(word)));
    if (found || row === keep) rows.push(row);
  }
  return rows;
}

/** Hide the entries of the sections that the filter does not mean; groups and sections follow. */
function filterEntries(grid, filter, rows) {
  const kept = new Set(rows);
  const active = narrows(filter);
  for (const item of document.querySelectorAll("[data-item]")) {
    item.hidden = active && !entryMatches(grid, filter, kept, item.dataset);
  }
  for (const group of document.querySelectorAll("[data-group]")) {
    const items = group.querySelectorAll("[data-item]");
    group.hidden = items.length > 0 && [...items].every((item) => item.hidden);
  }
  for (const section of document.querySelectorAll("[data-section]")) hideIfEmpty(section, active);
}

function entryMatches(grid, filter, kept, { row, column, state, cause }) {
  if (filter.column && column !== undefined && column !== filter.column) return false;
  if (filter.cause && cause !== undefined && cause !== filter.cause) return false;
  const reds = [...grid.red].map((number) => grid.states[number]);
  const outcomes = filter.outcome === "red" ? reds : [filter.outcome];
  const byState = filter.outcome && filter.outcome !== "disagree";
  if (byState && state !== undefined && !outcomes.includes(state)) return false;
  const place = grid.embedded(Number(row ?? -1));
  return place < 0 || kept.has(place);
}

function hideIfEmpty(section, active) {
  const groups = section.querySelectorAll("[data-group]");
  const entries = [...(groups.length ? groups : section.querySelectorAll("[data-item]"))];
  const visible = entries.filter((entry) => !entry.hidden).length;
  section.hidden = active && visible === 0;
  const count = section.querySelector("[data-count]");
  if (count) {
    count.dataset.total ??= count.textContent;
    const all = !active || visible === entries.length;
    count.textContent = all ? count.dataset.total : `${visible} of ${count.dataset.total}`;
  }
  const link = document.querySelector(`.contents a[href="#${section.getAttribute("aria-labelledby")}"]`);
  if (!link) return;
  link.hidden = section.hidden;
  if (count) link.querySelector("span").textContent = count.textContent;
}
