// The grid as the page holds it: one letter per cell, see html_grid.py.
// Everything in it came from outside; it reaches the page as textContent and attributes only.

const LABELS = {
  absent: ["not planned here", ""],
  passed: ["passed", "P"],
  flaky: ["flaky", "L"],
  failed: ["failed", "F"],
  error: ["error", "E"],
  crashed: ["crashed", "C"],
  timeout: ["timed out", "T"],
  xpassed: ["passed unexpectedly", "X"],
  xfailed: ["failed as expected", "x"],
  skipped: ["skipped", "S"],
  not_run: ["not run", "N"],
  missing: ["missing", "M"],
};

class Grid {
  constructor({ head, keys, states, seconds, lines }) {
    Object.assign(this, head);
    this.red = new Set(head.red);
    this.cellsOf = states;
    this.names = [];
    this.files = [];
    this.fileOf = [];
    for (const [file, names] of keys) {
      if (this.files.at(-1) !== file) this.files.push(file);
      for (const name of names) {
        this.names.push(name);
        this.fileOf.push(this.files.length - 1);
      }
    }
    this.size = this.names.length;
    this.seconds = seconds?.map((text) => new Float32Array(bytes(text)));
    this.lines = lines && new Uint32Array(bytes(lines));
    this.disagreeing = new Set(head.disagree);
    this.notes = new Map(head.cells.map(([row, column, ...note]) => [this.at(row, column), note]));
    this.place = head.rows && new Map(head.rows.map((row, index) => [row, index]));
  }

  static fromPage() {
    const source = document.getElementById("data");
    const grid = new Grid(JSON.parse(source.textContent));
    source.remove();
    return grid;
  }

  at(row, column) {
    return row * this.columns.length + column;
  }

  state(row, column) {
    return this.cellsOf[column].charCodeAt(row) - 65;
  }

  stateName(row, column) {
    return this.states[this.state(row, column)] ?? "absent";
  }

  file(row) {
    return this.files[this.fileOf[row]];
  }

  key(row) {
    const file = this.file(row);
    return file ? `${file}::${this.names[row]}` : this.names[row];
  }

  find(key) {
    for (let row = 0; row < this.size; row++) {
      if (wellFormed(this.key(row)) === key) return row;
    }
    return -1;
  }

  cause(row, column) {
    return this.notes.get(this.at(row, column))?.[0] ?? "";
  }

  message(row, column) {
    return this.messages[this.notes.get(this.at(row, column))?.[1]] ?? "";
  }

  time(row, column) {
    return this.seconds?.[column][row] ?? 0;
  }

  /** Row of this page for a row number of the report; -1 if it was left out. */
  embedded(number) {
    return this.place ? (this.place.get(number) ?? -1) : number;
  }

  original(row) {
    return this.rows ? this.rows[row] : row;
  }

  /** What the search looks at, made once, when it is first needed. */
  searchable(row) {
    this.texts ??= this.textsOfRows();
    return this.texts[row];
  }

  textsOfRows() {
    const texts = this.names.map((_, row) => this.key(row).toLowerCase());
    for (const [row, , , message] of this.cells) {
      texts[row] += `\n${this.messages[message].toLowerCase()}`;
    }
    return texts;
  }
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;
}

function wellFormed(text) {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** Make a text from outside safe to look at: no control and no reordering character is left. */
function show(text) {
  return wellFormed(text)
    .replace(/[\u0000-\u001f]/g, (sign) => String.fromCharCode(0x2400 + sign.charCodeAt(0)))
    .replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");
}

/** Say a duration as words.duration does; none if there was none. */
function duration(seconds) {
  if (!(seconds > 0)) return "";
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Make an element. Attributes are ours; `text` may be anybody's. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = show(value);
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter(Boolean));
  return element;
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}
