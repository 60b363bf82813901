// What an open row shows: every column's outcome, and the failure as the page already has it.

function rowPanel(grid, row) {
  const key = grid.key(row);
  const line = grid.lines?.[row];
  const file = grid.file(row);
  return make("div", { class: "panel-in" },
    make("div", { class: "panel-head" },
      make("bdi", { class: "mono panel-key", text: key }),
      copyButton(rowAddress(key), "Copy link", "Copy the link to this row")),
    file ? make("p", { class: "mono panel-file", text: line ? `${file}:${line}` : file }) : null,
    make("ul", { class: "plain panel-cells" }, ...panelCells(grid, row)),
    ...fullFailures(grid, row));
}

function rowAddress(key) {
  return `${location.href.replace(/#.*$/, "")}#key=${encodeURIComponent(wellFormed(key))}`;
}

function panelCells(grid, row) {
  return grid.columns.flatMap((name, column) => {
    const state = grid.stateName(row, column);
    if (state === "absent") return [];
    const cause = grid.cause(row, column);
    const message = grid.message(row, column);
    return make("li", {},
      make("span", { class: "tag column", text: name }),
      make("span", { class: `pill s-${state}` }, icon(state), make("span", { text: LABELS[state][0] })),
      cause ? make("span", { class: `tag cause-${cause}`, text: cause }) : null,
      message ? make("bdi", { class: "panel-message", text: message }) : null,
      make("span", { class: "seconds", text: duration(grid.time(row, column)) }));
  });
}

/** Copy the entries that were written out above; they hold no ids, so a copy is as good. */
function fullFailures(grid, row) {
  const entries = document.querySelectorAll(`main [data-full][data-row="${grid.original(row)}"]`);
  return [...entries].map((entry) => {
    const copy = entry.cloneNode(true);
    copy.hidden = false;
    copy.open = true;
    copy.classList.add("card");
    copy.removeAttribute("data-item");
    copy.removeAttribute("data-full");
    copy.querySelectorAll('a[href^="#key="]').forEach((link) => link.remove());
    return copy;
  });
}

function copyButton(text, label, spoken) {
  const button = make("button", { type: "button", class: "copy", "aria-label": spoken },
    icon("copy"), make("span", { text: label }));
  button.dataset.copy = text;
  return button;
}

/** Copy what belongs to a button and say so on it; without a clipboard the text is selected. */
async function copyFrom(button) {
  const code = button.parentElement.querySelector("code");
  const text = button.dataset.copy || code.textContent;
  const label = button.querySelector("span");
  label.dataset.was ??= label.textContent;
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
  } catch {
    if (code) getSelection().selectAllChildren(code);
    label.textContent = code ? "Selected" : "No clipboard";
  }
  setTimeout(() => (label.textContent = label.dataset.was), 1600);
}
