// What stands beside the board: the graph over the game, candidate moves, the comparison, the moves.

import { svg } from "./board.js";

const [WIDTH, HEIGHT] = [600, 150];

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Win, draw and loss of the player who began, stacked, from the first move to the last; a click looks back.
export function drawGraph(place, state, shown, onPly) {
  const points = state.evaluations;
  const last = Math.max(8, state.moves.length);
  const x = (ply) => (ply / last) * WIDTH;
  const known = points.map((point) => [x(point.ply), point.wdl]);
  const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", class: "graph" });
  const words = points.length ? spokenPoint(points.at(-1)) : "nothing evaluated yet";
  root.setAttribute("aria-label", `Evaluation over the game: ${words}`);
  root.append(svg("rect", { width: WIDTH, height: HEIGHT, class: "unknown" }));
  if (known.length) {
    const [begin, end] = [known[0][0], Math.max(known.at(-1)[0], known[0][0] + 3)];
    const area = (height) => {
      const path = known.map(([at, wdl]) => `L${at.toFixed(1)} ${(HEIGHT * (1 - height(wdl))).toFixed(1)}`).join("");
      const rest = `L${end} ${(HEIGHT * (1 - height(known.at(-1)[1]))).toFixed(1)}`;
      return `M${begin} ${HEIGHT}${path}${rest}L${end} ${HEIGHT}Z`;
    };
    root.append(svg("rect", { x: begin, width: end - begin, height: HEIGHT, class: "loss" }));
    root.append(svg("path", { d: area((wdl) => wdl[0] + wdl[1]), class: "draw" }));
    root.append(svg("path", { d: area((wdl) => wdl[0]), class: "win" }));
  }
  root.append(svg("path", { d: `M0 ${HEIGHT / 2}H${WIDTH}`, class: "middle" }));
  root.append(svg("path", { d: `M${x(shown)} 0V${HEIGHT}`, class: "now" }));
  root.addEventListener("click", (event) => {
    const box = root.getBoundingClientRect();
    onPly(Math.max(0, Math.min(state.moves.length, Math.round(((event.clientX - box.left) / box.width) * last))));
  });
  const point = [...points].reverse().find((found) => found.ply <= shown);
  const legend = element("p", { class: "legend" });
  legend.append(element("span", { class: "key win" }), "first wins ", element("span", { class: "key draw" }), "draw ");
  legend.append(element("span", { class: "key loss" }), "second wins");
  const words2 = element("span", { class: "value" }, point ? spokenPoint(point) : "");
  legend.append(words2);
  place.replaceChildren(root, legend);
}

function spokenPoint(point) {
  const [win, draw, loss] = point.wdl.map((p) => `${Math.round(100 * p)}`);
  return `after ${point.ply}: ${win} / ${draw} / ${loss} %`;
}

export function drawCandidates(table, found, onLine) {
  if (!found) return table.replaceChildren();
  const heads = ["move", "share", "visits", "prior", "Q", "win / draw / loss", "line"];
  const rows = found.moves.map((move) => {
    const bar = element("span", { class: "bar", style: `--share:${move.share ?? 0}` }, percent(move.share));
    const value = move.proven ?? (move.wdl ? shares(move.wdl) : "");
    const line = move.line.map((step) => step.move).join(" ");
    const row = element("tr", { tabindex: 0, "aria-label": `${move.move}, ${value}, line ${line}` },
      element("th", { scope: "row" }, move.move), element("td", {}, bar), element("td", {}, move.visits.toLocaleString("en")),
      element("td", {}, percent(move.prior)), element("td", {}, move.q === null ? "" : move.q.toFixed(2)),
      element("td", {}, value), element("td", { class: "pv" }, line));
    for (const event of ["mouseenter", "focus"]) row.addEventListener(event, () => onLine(move.move));
    for (const event of ["mouseleave", "blur"]) row.addEventListener(event, () => onLine(null));
    return row;
  });
  table.replaceChildren(head(heads), element("tbody", {}, ...rows));
}

export function drawComparison(part, state) {
  const found = state.comparison;
  part.hidden = !found;
  if (!found) return;
  const running = state.thinking === "compare";
  part.querySelector("#compared").textContent =
    `Each with ${found.budget}, for the side to move${running ? "; thinking …" : ""}`;
  const proven = found.rows.some((row) => row.truth);
  const heads = ["mode", "move", "win / draw / loss", "simulations", "ms", ...(proven ? ["truth"] : [])];
  const rows = found.rows.map((row) =>
    element("tr", row.mode === state.mode ? { class: "own" } : {},
      element("th", { scope: "row" }, row.mode), element("td", {}, row.move), element("td", {}, row.wdl ? shares(row.wdl) : row.value),
      element("td", {}, row.simulations.toLocaleString("en")), element("td", {}, row.milliseconds.toLocaleString("en")),
      ...(proven ? [element("td", { class: outcome(row) }, row.truth)] : [])));
  part.querySelector("#comparison").replaceChildren(head(heads), element("tbody", {}, ...rows));
  part.querySelector("#proofs").replaceChildren(
    ...found.proofs.map((group) => element("li", {}, element("b", { class: outcome(group) }, group.truth), ` ${group.moves.join(" ")}`)));
}

const outcome = (row) => ({ 1: "proven-win", 0: "proven-draw", "-1": "proven-loss" })[row.outcome] ?? "";

export function drawMoves(list, moves, shown, onPly) {
  if (list.children.length > moves.length) list.replaceChildren();
  moves.forEach((move, i) => {
    let item = list.children[i];
    if (!item) {
      item = element("li", {}, element("button", { class: "move" }));
      item.firstChild.addEventListener("click", () => onPly(i + 1));
      list.append(item);
    }
    if (item.firstChild.textContent !== move) item.firstChild.textContent = move;
    const now = i + 1 === shown;
    if (now && !item.firstChild.hasAttribute("aria-current")) list.scrollTop = item.offsetTop - list.offsetTop - 40;
    if (now) item.firstChild.setAttribute("aria-current", "true");
    else item.firstChild.removeAttribute("aria-current");
  });
}

const shares = (wdl) => wdl.map((p) => Math.round(100 * p)).join(" / ");
const percent = (p) => (p === null ? "" : p > 0 && p < 0.005 ? "<1%" : `${Math.round(100 * p)}%`);
const head = (names) => element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name))));
