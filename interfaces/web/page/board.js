// The board as SVG: what stands where, what may be clicked, what the engine thinks of it.

const CELL = 100;
const MARGIN = 56;
const HEX_STEP = (CELL * Math.sqrt(3)) / 2;
const MEN = "PNBRQKpnbrqk";
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Whose a piece is: x and upper case are the first player's, o and lower case the second's.
export function owner(piece) {
  if (piece === "x") return "first";
  if (piece === "o") return "second";
  if (piece.toLowerCase() === piece.toUpperCase()) return "";
  return piece === piece.toUpperCase() ? "first" : "second";
}

const same = (a, b) => a[0] === b[0] && a[1] === b[1];

export class Board {
  constructor(place, onMove) {
    this.place = place;
    this.onMove = onMove; // called with the moves that a click may mean
    this.flipped = false;
    this.selected = null;
    this.legal = [];
    this.focus = [0, 0];
    this.built = "";
  }

  // Draw a position: `view` is the server's board, `legal` the moves that may be clicked.
  draw(grid, view, legal) {
    this.grid = grid;
    this.view = view;
    this.legal = legal.filter((move) => move.cells.length);
    const shape = JSON.stringify([grid, this.flipped]);
    if (shape !== this.built) this.build(shape);
    const marked = new Map();
    for (const [r, c] of view.last) marked.set(`${r},${c}`, "last");
    for (const [r, c] of view.ended_by) marked.set(`${r},${c}`, "won");
    if (this.selected && !this.legal.some((move) => same(move.cells[0], this.selected))) this.selected = null;
    this.cells.forEach((row, r) =>
      row.forEach((cell, c) => {
        const piece = view.pieces[r][c];
        if (cell.piece !== piece) {
          cell.holder.replaceChildren(...this.drawPiece(piece, r, c));
          cell.holder.classList.toggle("fresh", cell.piece === "." && marked.get(`${r},${c}`) === "last");
          cell.piece = piece;
        }
        const starts = this.startingAt(r, c).length > 0;
        const target = this.selected && this.reaching(r, c).length > 0;
        const mark = marked.get(`${r},${c}`) ?? "";
        const chosen = this.selected && same(this.selected, [r, c]);
        cell.group.setAttribute("class", `cell ${mark} ${starts ? "legal" : ""} ${target ? "target" : ""} ${chosen ? "chosen" : ""}`);
        cell.group.setAttribute("aria-label", this.spoken(r, c, piece, mark, starts || target));
        cell.group.setAttribute("aria-selected", chosen ? "true" : "false");
      })
    );
  }

  name(r, c) {
    return this.grid.columns[c] + (this.grid.rows[r] || (this.grid.look === "columns" ? "" : `, row ${r + 1}`));
  }

  spoken(r, c, piece, mark, playable) {
    const place = this.grid.rows[r] ? this.name(r, c) : `column ${this.grid.columns[c]}, row ${this.grid.rows.length - r}`;
    const words = [place, piece === "." ? "empty" : piece];
    if (mark) words.push(mark === "last" ? "last move" : "ended the game");
    if (playable) words.push("can be played");
    return words.join(", ");
  }

  at(r, c) {
    const [rows, columns] = [this.grid.rows.length, this.grid.columns.length];
    if (this.flipped) [r, c] = [rows - 1 - r, columns - 1 - c];
    if (this.grid.look === "hexagons") return [(c + r / 2 + 0.5) * CELL, (r + 2 / 3) * HEX_STEP];
    return [(c + 0.5) * CELL, (r + 0.5) * CELL];
  }

  build(shape) {
    this.built = shape;
    const { look, columns, rows } = this.grid;
    const hex = look === "hexagons";
    const width = (columns.length + (hex ? (rows.length - 1) / 2 : 0)) * CELL;
    const height = hex ? (rows.length + 1 / 3) * HEX_STEP : rows.length * CELL;
    const named = rows.some((name) => name);
    const left = named || hex ? MARGIN : 12;
    const box = [-left, -(hex ? MARGIN : 12), width + left + (hex ? MARGIN : 12), height + 12 + MARGIN];
    this.root = svg("svg", {
      viewBox: box.join(" "), class: `board ${look}`, role: "grid",
      "aria-label": "Board: arrow keys move, Enter plays", "data-columns": columns.length,
    });
    this.root.style.setProperty("--ratio", box[2] / box[3]);
    this.root.style.setProperty("--label", `${13 + 1.5 * columns.length}px`); // large boards are drawn small
    this.root.append(...this.backdrop(width, height));
    this.cells = rows.map((_, r) => {
      const row = svg("g", { role: "row" });
      const cells = columns.map((_, c) => this.buildCell(r, c, row));
      this.root.append(row);
      return cells;
    });
    this.root.append(...this.labels(height, named));
    this.overlay = svg("g", { class: "overlay", "aria-hidden": "true" });
    this.root.append(this.overlay);
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.place.replaceChildren(this.root);
  }

  buildCell(r, c, row) {
    const [x, y] = this.at(r, c);
    const { look } = this.grid;
    const holder = svg("g", { class: "piece" });
    const shade = look === "chequered" && (r + c) % 2 ? "dark" : "light";
    const ground =
      look === "hexagons"
        ? svg("polygon", { points: this.corners(x, y, 1).join(" "), class: "ground" })
        : svg("rect", { x: x - 50, y: y - 50, width: CELL, height: CELL, class: `ground ${shade}` });
    const group = svg("g", { role: "gridcell", tabindex: same(this.focus, [r, c]) ? 0 : -1 }, ground);
    if (look === "columns") group.append(svg("circle", { cx: x, cy: y, r: 40, class: "hole" }));
    group.append(svg("circle", { cx: x, cy: y, r: 14, class: "dot" }), holder);
    group.append(svg("circle", { cx: x, cy: y, r: 8, class: "mark" }));
    group.addEventListener("click", () => this.click(r, c));
    group.addEventListener("focus", () => this.setFocus(r, c));
    row.append(group);
    return { group, holder, piece: null };
  }

  corners(x, y, scale) {
    const size = (CELL / Math.sqrt(3)) * scale;
    return [0, 1, 2, 3, 4, 5].map((k) => {
      const angle = ((60 * k - 90) * Math.PI) / 180;
      return `${(x + size * Math.cos(angle)).toFixed(2)},${(y + size * Math.sin(angle)).toFixed(2)}`;
    });
  }

  backdrop(width, height) {
    const { look, columns, rows } = this.grid;
    if (look === "hexagons") return this.edges(rows.length, columns.length);
    const frame = svg("rect", { x: -6, y: -6, width: width + 12, height: height + 12, rx: 10, class: "frame" });
    if (look !== "points") return [frame];
    const lines = [];
    for (let r = 0; r < rows.length; r++) lines.push(svg("path", { d: `M50 ${r * CELL + 50}H${width - 50}` }));
    for (let c = 0; c < columns.length; c++) lines.push(svg("path", { d: `M${c * CELL + 50} 50V${height - 50}` }));
    return [frame, svg("g", { class: "lines" }, ...lines)];
  }

  // The edges that the players join: upper and lower the first's, left and right the second's.
  edges(rows, columns) {
    const found = [];
    const edge = (cells, [from, to], whose) => {
      const points = cells.flatMap(([r, c]) => {
        const corners = this.corners(...this.at(r, c), 1.0);
        return from <= to ? corners.slice(from, to + 1) : [...corners.slice(from), ...corners.slice(0, to + 1)];
      });
      found.push(svg("polyline", { points: points.join(" "), class: `edge ${whose}` }));
    };
    const along = (n, cell) => Array.from({ length: n }, (_, i) => cell(i));
    const [top, left] = this.flipped ? [rows - 1, columns - 1] : [0, 0];
    edge(along(columns, (c) => [top, this.flipped ? columns - 1 - c : c]), [5, 1], "first");
    edge(along(columns, (c) => [rows - 1 - top, this.flipped ? c : columns - 1 - c]), [2, 4], "first");
    edge(along(rows, (r) => [this.flipped ? r : rows - 1 - r, left]), [4, 5], "second");
    edge(along(rows, (r) => [this.flipped ? rows - 1 - r : r, columns - 1 - left]), [1, 2], "second");
    return found;
  }

  labels(height, named) {
    const { look, columns, rows } = this.grid;
    const bottom = this.flipped ? 0 : rows.length - 1;
    const labels = columns.map((name, c) => {
      const [x, y] = this.at(look === "hexagons" ? rows.length - 1 - bottom : bottom, c);
      const at = look === "hexagons" ? [x - 25, y - 66] : [x, height + 34];
      return svg("text", { x: at[0], y: at[1], class: "label" }, name);
    });
    if (!named) return labels;
    return labels.concat(
      rows.map((name, r) => {
        const [x, y] = this.at(r, this.flipped ? columns.length - 1 : 0);
        return svg("text", { x: x - (look === "hexagons" ? 64 : 54) - MARGIN / 2, y: y + 10, class: "label" }, name);
      })
    );
  }

  drawPiece(piece, r, c) {
    const [x, y] = this.at(r, c);
    const { look } = this.grid;
    const whose = owner(piece);
    if (piece === ".") return [];
    if (look === "chequered" && MEN.includes(piece)) {
      return [svg("use", { href: `/pieces.svg#man-${piece}`, x: x - 46, y: y - 46, width: 92, height: 92 })];
    }
    if (look === "marks" && piece === "x") {
      return [svg("path", { d: `M${x - 27} ${y - 27}l54 54m0 -54l-54 54`, class: "stroke first" })];
    }
    if (look === "marks" && piece === "o") return [svg("circle", { cx: x, cy: y, r: 30, class: "stroke second" })];
    if (!whose) return [svg("rect", { x: x - 38, y: y - 38, width: 76, height: 76, rx: 12, class: "block" })];
    const disc = svg("circle", { cx: x, cy: y, r: look === "points" ? 46 : look === "hexagons" ? 36 : 40, class: `disc ${whose}` });
    return "xo".includes(piece) ? [disc] : [disc, svg("text", { x, y: y + 16, class: `letter ${whose}` }, piece)];
  }

  startingAt(r, c) {
    if (this.grid.look === "columns") return this.legal.filter((move) => move.cells[0][1] === c);
    return this.legal.filter((move) => same(move.cells[0], [r, c]));
  }

  reaching(r, c) {
    return this.legal.filter((move) => same(move.cells[0], this.selected) && same(move.cells.at(-1), [r, c]));
  }

  click(r, c) {
    this.setFocus(r, c);
    const reached = this.selected ? this.reaching(r, c) : [];
    const starting = this.startingAt(r, c);
    if (reached.length && !same(this.selected, [r, c])) {
      this.selected = null;
      this.onMove(reached);
    } else if (this.selected && same(this.selected, [r, c])) {
      this.selected = null;
    } else if (starting.length === 1 && (starting[0].cells.length === 1 || this.view.pieces[r][c] === ".")) {
      this.selected = null;
      this.onMove(starting);
    } else if (starting.length && starting.every((move) => move.cells.length === 1)) {
      this.onMove(starting);
    } else {
      this.selected = starting.length ? [r, c] : null;
    }
    this.draw(this.grid, this.view, this.legal);
  }

  setFocus(r, c) {
    this.cells[this.focus[0]]?.[this.focus[1]]?.group.setAttribute("tabindex", -1);
    this.focus = [r, c];
    this.cells[r][c].group.setAttribute("tabindex", 0);
  }

  key(event) {
    const step = STEPS[event.key];
    if (step) {
      const sign = this.flipped ? -1 : 1;
      const [r, c] = [this.focus[0] + sign * step[0], this.focus[1] + sign * step[1]];
      if (this.cells[r]?.[c]) this.cells[r][c].group.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      this.click(...this.focus);
    } else if (event.key === "Escape") {
      this.selected = null;
      this.draw(this.grid, this.view, this.legal);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  // Candidate moves, the best first: a ring or an arrow for each, as strong as its share.
  showCandidates(moves) {
    const shown = moves.filter((move, i) => move.cells.length && (i === 0 || (move.share ?? 0) >= 0.02)).slice(0, 8);
    const marks = shown.map((move, i) => {
      const share = move.share ?? 1;
      const group = svg("g", { class: `candidate ${i ? "" : "best"}` });
      const [x, y] = this.at(...move.cells.at(-1));
      if (move.cells.length > 1) {
        group.append(this.arrow(move.cells[0], move.cells.at(-1), 6 + 16 * Math.sqrt(share)));
        group.style.opacity = 0.25 + 0.65 * Math.sqrt(share);
        return group;
      }
      group.append(svg("circle", { cx: x, cy: y, r: 36, style: `fill-opacity:${0.15 + 0.75 * Math.sqrt(share)}` }));
      const percent = move.share === null ? "" : `${Math.round(100 * share)}%`;
      group.append(svg("text", { x, y: move.wdl ? y + 2 : y + 9 }, percent));
      if (move.wdl) group.append(svg("text", { x, y: y + 26, class: "small" }, winning(move)));
      return group;
    });
    this.overlay.replaceChildren(...marks);
  }

  // A line of play: numbered stones, or numbered arrows.
  showLine(line) {
    const marks = line.filter((move) => move.cells.length).map((move, i) => {
      const [x, y] = this.at(...move.cells.at(-1));
      const group = svg("g", { class: `line ${i % 2 ? "odd" : "even"}` });
      if (move.cells.length > 1) group.append(this.arrow(move.cells[0], move.cells.at(-1), 10));
      group.append(svg("circle", { cx: x, cy: y, r: move.cells.length > 1 ? 20 : 32 }), svg("text", { x, y: y + 10 }, i + 1));
      return group;
    });
    this.overlay.replaceChildren(...marks);
  }

  showHint(cells) {
    if (cells.length > 1) this.overlay.append(svg("g", { class: "candidate best hint" }, this.arrow(cells[0], cells.at(-1), 16)));
    const [x, y] = this.at(...cells.at(-1));
    this.overlay.append(svg("circle", { cx: x, cy: y, r: 40, class: "hint-ring" }));
  }

  clearOverlay() {
    this.overlay?.replaceChildren();
  }

  arrow(from, to, width) {
    const [[x1, y1], [x2, y2]] = [this.at(...from), this.at(...to)];
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
    const head = 18 + width;
    const [ex, ey] = [x2 - ux * head, y2 - uy * head];
    const side = head / 1.7;
    return svg("g", { class: "arrow" },
      svg("path", { d: `M${x1} ${y1}L${ex} ${ey}`, "stroke-width": width, class: "shaft" }),
      svg("path", { d: `M${x2} ${y2}L${ex - uy * side} ${ey + ux * side}L${ex + uy * side} ${ey - ux * side}Z`, class: "head" }));
  }
}

// Win probability of the player to move, a draw counting half.
export function winning(move) {
  return move.wdl ? `${Math.round(100 * (move.wdl[0] + move.wdl[1] / 2))}` : "";
}
