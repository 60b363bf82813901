// The grid of all tests: only the rows in sight are in the document, however many there are.

const OVERSCAN = 400; // pixels drawn above and below what is in sight
const WORDY = 104; // pixels a column needs for words; NARROW: for an icon and a letter
const NARROW = 56;
const CHIP = 98; // pixels of a cell on a card
const HEIGHTS = { file: 38, row: 38, line: 30, card: 50 };
const PRINTED = 500; // rows; a longer grid is left out on paper

class GridView {
  constructor(root, grid, { onOpen, panel }) {
    Object.assign(this, { root, grid, onOpen, panel });
    this.drawn = new Map(); // index -> element
    this.active = { index: 0, column: -1 };
    this.openRow = -1;
    this.panelHeight = 0;
    this.head = make("div", { role: "row", class: "grid-head", "aria-rowindex": "1" });
    this.body = make("div", { role: "rowgroup", class: "grid-body" });
    root.append(make("div", { role: "rowgroup", class: "grid-top" }, this.head), this.body);
    root.setAttribute("role", "grid");
    root.setAttribute("aria-label", "All tests by columns");
    root.setAttribute("aria-colcount", grid.columns.length + 1);
    root.addEventListener("click", (event) => this.clicked(event));
    root.addEventListener("keydown", (event) => this.pressed(event));
    root.addEventListener("focusin", (event) => this.focused(event));
    this.watchPanel = new ResizeObserver(() => this.measurePanel());
    new ResizeObserver(() => this.resized()).observe(root);
    addEventListener("scroll", () => this.schedule(), { passive: true });
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
  }

  /** Show these rows, in this order, with `filter.column` marked. */
  showRows(rows, filter) {
    this.rows = rows;
    this.marked = this.grid.columns.indexOf(filter.column);
    this.root.setAttribute("aria-rowcount", rows.length + 1);
    this.layOut();
  }

  resized() {
    if (this.rows && this.root.clientWidth !== this.width) this.layOut();
  }

  layOut() {
    this.width = this.root.clientWidth;
    const count = this.grid.columns.length;
    const cell = (this.width - Math.max(240, this.width * 0.3)) / Math.max(count, 1);
    this.mode = cell >= WORDY ? "wordy" : cell >= NARROW ? "narrow" : "cards";
    const perLine = Math.max(1, Math.floor((this.width - 24) / CHIP));
    this.rowHeight =
      this.mode === "cards" ? HEIGHTS.card + Math.ceil(count / perLine) * HEIGHTS.line : HEIGHTS.row;
    this.root.dataset.mode = this.mode;
    this.root.style.setProperty("--columns", count);
    this.root.style.setProperty("--per-line", perLine);
    this.buildItems();
    this.fillHead();
    this.redraw();
  }

  /** Put a heading before the rows of each file; remember where everything starts. */
  buildItems() {
    this.items = []; // row number, or ~row number for the heading before that row
    this.starts = [0];
    let file = null;
    const push = (item, height) => {
      this.items.push(item);
      this.starts.push(this.starts.at(-1) + height);
    };
    for (const row of this.rows) {
      if (this.grid.file(row) !== file) {
        file = this.grid.file(row);
        push(~row, HEIGHTS.file);
      }
      push(row, this.rowHeight);
    }
    this.openIndex = this.openRow < 0 ? -1 : this.items.indexOf(this.openRow);
    if (this.openIndex < 0) this.openRow = -1;
    this.active.index = Math.min(this.active.index, this.items.length - 1);
    if (!(this.items[this.active.index] >= 0)) this.active.index = this.step(this.active.index, 1);
  }

  fillHead() {
    const heads = this.grid.columns.map((name, column) => {
      const [backend, ...variant] = name.split("/");
      return make(
        "div",
        { role: "columnheader", title: show(name), class: this.marked === column ? "marked" : "" },
        make("b", { text: backend }),
        variant.length ? make("span", { text: variant.join("/") }) : null,
      );
    });
    this.head.replaceChildren(make("div", { role: "columnheader", class: "name", text: "Test" }), ...heads);
  }

  offset(index) {
    const below = this.openIndex >= 0 && index > this.openIndex;
    return this.starts[index] + (below ? this.panelHeight : 0);
  }

  indexAt(y) {
    let [low, high] = [0, this.items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offset(middle + 1) <= y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.draw();
    });
  }

  redraw() {
    this.refocus = this.body.contains(document.activeElement);
    this.drawn.forEach((element) => element.remove());
    this.drawn.clear();
    this.draw();
    if (this.refocus) this.focusActive();
  }

  /** Indices that have to be in the document: those in sight, the focused one, the open one. */
  wanted() {
    if (this.printing) return [...this.items.keys()];
    const top = -this.body.getBoundingClientRect().top;
    const wanted = new Set([this.active.index, this.openIndex]);
    const last = this.indexAt(top + innerHeight + OVERSCAN);
    for (let index = this.indexAt(Math.max(0, top - OVERSCAN)); index <= last; index++) wanted.add(index);
    return [...wanted].filter((i) => i >= 0 && i < this.items.length).sort((a, b) => a - b);
  }

  draw() {
    if (!this.items) return;
    this.body.style.height = `${this.offset(this.items.length)}px`;
    const wanted = this.wanted();
    const keep = new Set(wanted);
    for (const [index, element] of this.drawn) {
      if (!keep.has(index)) {
        element.remove();
        this.drawn.delete(index);
      }
    }
    if (this.panelOf !== this.openRow || this.openIndex < 0) this.closePanel();
    // Nodes stay in reading order and are never moved, so that the focus stays where it is.
    let next = this.body.firstChild;
    const put = (element) => {
      if (element === next) next = next.nextSibling;
      else this.body.insertBefore(element, next);
    };
    for (const index of wanted) {
      const element = this.drawn.get(index) ?? this.build(index);
      this.drawn.set(index, element);
      element.style.top = `${this.offset(index)}px`;
      put(element);
      if (index === this.openIndex) put(this.placePanel());
    }
  }

  build(index) {
    const item = this.items[index];
    const element = item < 0 ? this.fileHeading(~item) : this.rowElement(index, item);
    element.dataset.index = index;
    element.setAttribute("aria-rowindex", index + 2);
    return element;
  }

  fileHeading(row) {
    const name = make("bdi", { text: this.grid.file(row) || "(no file)" });
    return make("div", { role: "row", class: "file-row" }, make("div", { role: "gridcell" }, name));
  }

  rowElement(index, row) {
    const open = row === this.openRow;
    const name = make("div", { role: "rowheader", class: "name", title: show(this.grid.key(row)) },
      icon("chevron"), make("bdi", { text: this.grid.names[row] }));
    const cells = this.grid.columns.map((_, column) => this.cell(row, column));
    const element = make("div", { role: "row", class: "row", "aria-expanded": String(open) }, name, ...cells);
    element.style.height = `${this.rowHeight}px`;
    element.classList.toggle("target", open);
    [name, ...cells].forEach((cell, place) => {
      cell.tabIndex = index === this.active.index && place - 1 === this.active.column ? 0 : -1;
    });
    return element;
  }

  cell(row, column) {
    const state = this.grid.stateName(row, column);
    const [label, letter] = LABELS[state];
    const time = duration(this.grid.time(row, column));
    const cause = this.grid.cause(row, column);
    const text = this.mode === "cards" ? this.grid.columns[column]
      : this.mode === "narrow" ? letter
      : state === "passed" && time ? time : label;
    const spoken = [`${this.grid.columns[column]}: ${label}`, cause, time].filter(Boolean).join(", ");
    const shown = state === "absent" && this.mode !== "cards" ? [] : [icon(state), make("span", { text })];
    return make("div", { role: "gridcell", class: `cell s-${state}${this.marked === column ? " marked" : ""}`,
      "aria-label": show(spoken), title: show(spoken) }, make("span", { class: "chip" }, ...shown));
  }

  placePanel() {
    if (!this.panelElement) {
      this.panelElement = make("div", { role: "row", class: "panel" },
        make("div", { role: "gridcell", "aria-colspan": this.grid.columns.length + 1 }, this.panel(this.openRow)));
      this.panelOf = this.openRow;
      this.watchPanel.observe(this.panelElement);
    }
    this.panelElement.style.top = `${this.starts[this.openIndex + 1]}px`;
    return this.panelElement;
  }

  closePanel() {
    if (!this.panelElement) return;
    this.watchPanel.disconnect();
    this.panelElement.remove();
    this.panelElement = this.panelOf = undefined;
    this.panelHeight = 0;
  }

  measurePanel() {
    const height = this.panelElement?.offsetHeight ?? 0;
    if (height === this.panelHeight) return;
    this.panelHeight = height;
    this.draw();
  }

  /** Open one row (-1: none); tell the page, so that the address follows. */
  open(row, { tell = true } = {}) {
    this.openRow = row;
    this.openIndex = row < 0 ? -1 : this.items.indexOf(row);
    if (this.openIndex >= 0) this.active = { index: this.openIndex, column: -1 };
    if (tell) this.onOpen(row);
    this.redraw();
    this.measurePanel();
  }

  /** Bring an index into sight, below the bars that stay on top. */
  reveal(index, { always = false } = {}) {
    const bars = this.head.getBoundingClientRect().height + document.querySelector(".top").offsetHeight + 8;
    const top = this.body.getBoundingClientRect().top + this.offset(index);
    if (always || top < bars || top + this.rowHeight > innerHeight - 8) {
      const middle = always ? bars + HEIGHTS.file : top < bars ? bars : innerHeight - this.rowHeight - 8;
      scrollTo({ top: scrollY + top - middle, behavior: "instant" });
      this.draw();
    }
  }

  clicked(event) {
    const element = event.target.closest(".row");
    if (!element || event.target.closest("a, button")) return;
    if (getSelection()?.toString()) return; // somebody is copying a name
    const row = this.items[Number(element.dataset.index)];
    this.open(row === this.openRow ? -1 : row);
  }

  focused(event) {
    const element = event.target.closest(".row");
    if (!element) return;
    const cells = [...element.children];
    const place = cells.indexOf(event.target.closest("[role=gridcell], [role=rowheader]"));
    this.setActive(Number(element.dataset.index), Math.max(0, place) - 1);
  }

  setActive(index, column) {
    const before = this.drawn.get(this.active.index)?.children[this.active.column + 1];
    if (before) before.tabIndex = -1;
    this.active = { index, column };
    const now = this.drawn.get(index)?.children[column + 1];
    if (now) now.tabIndex = 0;
  }

  focusActive() {
    this.drawn.get(this.active.index)?.children[this.active.column + 1]?.focus({ preventScroll: true });
  }

  /** The next row in a direction; headings are passed over. */
  step(index, by) {
    let next = index + by;
    const way = Math.sign(by);
    next = Math.max(0, Math.min(this.items.length - 1, next));
    while (this.items[next] < 0 && next + way >= 0 && next + way < this.items.length) next += way;
    return this.items[next] >= 0 ? next : index;
  }

  pressed(event) {
    if (!event.target.closest(".row") || event.ctrlKey || event.metaKey || event.altKey) return;
    const { index, column } = this.active;
    const page = Math.max(1, Math.floor(innerHeight / this.rowHeight) - 3);
    const last = this.grid.columns.length - 1;
    const moves = {
      ArrowDown: () => [this.step(index, 1), column],
      ArrowUp: () => [this.step(index, -1), column],
      PageDown: () => [this.step(index, page), column],
      PageUp: () => [this.step(index, -page), column],
      Home: () => [this.step(-1, 1), column],
      End: () => [this.items.length - 1, column],
      ArrowRight: () => [index, Math.min(column + 1, last)],
      ArrowLeft: () => [index, Math.max(column - 1, -1)],
    };
    if (moves[event.key]) {
      event.preventDefault();
      this.setActive(...moves[event.key]());
      this.reveal(this.active.index);
      this.draw();
      this.focusActive();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      const row = this.items[index];
      this.open(row === this.openRow ? -1 : row);
      this.focusActive();
    }
  }

  print(starting) {
    if (!this.items) return;
    this.printing = starting && this.items.length <= PRINTED;
    this.root.classList.toggle("unprinted", starting && !this.printing);
    this.redraw();
  }
}
