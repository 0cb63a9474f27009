// The page: follows the state of the server, which alone knows the game, and sends what is clicked.

import { Board, svg } from "./board.js";
import { drawCandidates, drawComparison, drawGraph, drawMoves, element } from "./panels.js";

const $ = (id) => document.getElementById(id);
const MEN = "PNBRQK";

let state = null;
let shown = null; // the ply that is looked back at, null for the game as it stands
let earlier = null; // its board
let line = null; // the candidate whose line is drawn
let flippedByHand = null;

const board = new Board($("board"), choose);

async function command(name, given = {}) {
  note("");
  try {
    const response = await fetch(`/api/${name}`, {
      method: "POST", headers: { "Content-Type": "application/json", "X-Tandem": "1" }, body: JSON.stringify(given),
    });
    const answer = await response.json();
    if (response.ok) take(answer);
    else note(answer.error);
    return response.ok;
  } catch {
    note("The server does not answer: is play.py still running?");
    return false;
  }
}

// Ask for every new state as it comes; a hidden tab does not, as a browser opens few connections to one server.
async function follow() {
  for (;;) {
    if (document.hidden) {
      await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
      continue;
    }
    const gone = new AbortController();
    const hide = () => document.hidden && gone.abort();
    document.addEventListener("visibilitychange", hide);
    try {
      const response = await fetch(`/api/state?after=${state?.version ?? ""}`, { signal: gone.signal });
      if (!response.ok) throw new Error(response.status);
      take(await response.json());
      document.body.classList.remove("offline");
    } catch {
      if (!gone.signal.aborted) {
        document.body.classList.add("offline");
        $("status").textContent = "The server does not answer";
        await new Promise((resolve) => setTimeout(resolve, 1500));
      }
    } finally {
      document.removeEventListener("visibilitychange", hide);
    }
  }
}

function take(found) {
  const [run, count] = found.version.split(".");
  const [oldRun, oldCount] = state?.version.split(".") ?? [];
  if (run === oldRun && Number(count) < Number(oldCount)) return; // answers may overtake each other
  if (state && found.moves.length !== state.moves.length) [shown, earlier, line] = [null, null, null];
  if (state?.note !== found.note) note(found.note);
  state = found;
  render();
}

function note(words) {
  $("note").textContent = words;
}

function render() {
  const now = shown === null;
  const view = now ? state.board : earlier;
  const ply = view.ply;
  $("game").textContent = state.game.spec;
  $("headline").textContent = state.headline.replace(`${state.game.spec}, `, "").split(/, (?:mode|level) /)[0];
  document.title = `${state.game.name} · Tandem`;
  document.body.dataset.look = state.game.grid?.look ?? "text";
  setText($("status"), status());
  drawBoard(view, now && state.persons_turn ? state.legal : []);
  drawOverlay(now);
  drawBeside(now);
  drawControls();
  drawGraph($("graph"), state, ply, lookAt);
  if (!$("candidates").contains(document.activeElement) && !line) drawCandidates($("candidates"), state.candidates, showLine);
  $("thought").textContent = thought();
  drawComparison($("comparison-part"), state);
  drawMoves($("moves"), state.moves, ply, lookAt);
  $("where").textContent = now ? `move ${state.moves.length}` : `move ${ply} of ${state.moves.length}`;
  $("back").disabled = $("to-start").disabled = ply === 0;
  $("forward").disabled = $("to-end").disabled = now;
  setText($("rules"), state.game.rules);
  if (document.activeElement !== $("position")) $("position").value = state.position;
}

// Screen readers speak a status whenever it is written.
function setText(place, words) {
  if (place.textContent !== words) place.textContent = words;
}

function status() {
  const { verdict, side, thinking, to_move: mover } = state;
  if (verdict) return verdict[0].toUpperCase() + verdict.slice(1);
  if (thinking === "move" || thinking === "step") return `The engine (${mover}) thinks …`;
  const doing = { hint: ", looking for a hint …", compare: ", comparing …", analyse: ", analysing …" }[thinking] ?? "";
  if (side === "none") return `Paused, ${mover} to move${doing}`;
  return side === "both" ? `Your move, as ${mover}${doing}` : `Your move${doing}`;
}

function thought() {
  const found = state.candidates;
  if (!found) return "Hint, Compare or Analyse ask it; its own moves show here too.";
  const where = found.ply === state.moves.length ? "now" : `before move ${found.ply + 1}`;
  return `${found.mode}, ${where}: ${found.value}, ${found.work}, ${found.seconds.toFixed(1)} s`;
}

function drawBoard(view, legal) {
  if (!state.game.grid) {
    const moves = legal.map((move) => moveButton(move));
    $("board").replaceChildren(
      element("pre", { class: "text", "aria-label": "Board" }, view.text),
      element("div", { class: "row legal", role: "group", "aria-label": "Legal moves" }, ...moves));
    return;
  }
  const { look } = state.game.grid;
  board.flipped = flippedByHand ?? (look === "chequered" && state.side === "second");
  board.draw(state.game.grid, view, legal);
}

function drawOverlay(now) {
  if (!state.game.grid) return;
  board.clearOverlay();
  const { candidates: found, hint, moves } = state;
  const followed = found?.moves.find((move) => move.move === line);
  if (!now) return;
  if (followed && found.ply >= moves.length - 1) board.showLine(followed.line);
  else if (found?.ply === moves.length && state.thinking !== "hint" && !hint && $("on-board").checked) board.showCandidates(found.moves);
  if (hint?.cells.length) board.showHint(hint.cells);
}

// Moves that touch no cell, such as a pass.
function drawBeside(now) {
  const legal = now && state.persons_turn && state.game.grid ? state.legal.filter((move) => !move.cells.length) : [];
  $("moves-beside").replaceChildren(...legal.map(moveButton));
  if (state.hint && !state.hint.cells.length) note(`hint: ${state.hint.move}`);
}

function moveButton(move) {
  const button = element("button", { class: "move" }, move.move);
  button.addEventListener("click", () => choose([move]));
  return button;
}

function drawControls() {
  const { side, thinking, paused, outcome, modes, mode, budget, level, levels } = state;
  const over = outcome !== null;
  const moving = thinking === "move" || thinking === "step";
  $("hint").disabled = $("compare").disabled = over || moving;
  $("undo").disabled = !state.moves.length;
  $("analyse").setAttribute("aria-pressed", state.analysing);
  $("run").hidden = side !== "none" || !paused || over;
  $("step").hidden = side !== "none" || over;
  $("step").disabled = moving;
  $("stop").hidden = !thinking || thinking === "analyse"; // which its own button ends
  $("stop").textContent = side === "none" && thinking === "move" ? "Pause" : "Stop";
  $("swap").disabled = side === "both" || side === "none";
  if (document.activeElement !== $("side")) $("side").value = side;
  const segments = document.querySelector("#modes .segments");
  if (segments.children.length !== modes.length) {
    segments.replaceChildren(...modes.map(({ name, about }) => {
      const input = element("input", { type: "radio", name: "mode", value: name, id: `mode-${name}`, title: about });
      input.addEventListener("change", () => command("mode", { mode: name }));
      return element("span", {}, input, element("label", { for: `mode-${name}` }, name));
    }));
  }
  for (const { name, playable } of modes) {
    $(`mode-${name}`).disabled = !playable;
    $(`mode-${name}`).checked = name === mode;
  }
  const { about } = modes.find(({ name }) => name === mode);
  setText($("about-mode"), level === null ? about : `Level ${level} plays; hints and analysis are by mode ${mode}.`);
  for (let n = $("level").options.length; n <= levels; n++) $("level").append(element("option", { value: n }, n));
  if (document.activeElement !== $("level")) $("level").value = level ?? "";
  if (![$("amount"), $("unit")].includes(document.activeElement)) {
    $("unit").value = budget.simulations === null ? "seconds" : "simulations";
    $("amount").value = budget.simulations ?? budget.seconds;
  }
  $("turn").hidden = !state.game.grid;
}

// One move is played; of several, such as what a pawn becomes, one is asked for.
function choose(moves) {
  const play = ({ move }) => command("move", { move, ply: state.moves.length });
  if (moves.length === 1) return play(moves[0]);
  const dialog = $("choice");
  const form = dialog.querySelector("form");
  form.replaceChildren(...moves.map((move) => {
    const button = element("button", { value: move.move, "aria-label": move.move }, move.move);
    const man = move.move.at(-1).toUpperCase();
    if (state.game.grid.look === "chequered" && MEN.includes(man)) {
      const letter = state.to_move === "first" ? man : man.toLowerCase();
      button.replaceChildren(svg("svg", { viewBox: "0 0 45 45" }, svg("use", { href: `/pieces.svg#man-${letter}` })));
    }
    return button;
  }));
  dialog.returnValue = "";
  dialog.onclose = () => {
    const chosen = moves.find((move) => move.move === dialog.returnValue);
    if (chosen) play(chosen);
  };
  dialog.showModal();
}

function showLine(move) {
  line = move;
  drawOverlay(shown === null);
}

async function lookAt(ply) {
  if (ply === state.moves.length) {
    [shown, earlier] = [null, null];
    return render();
  }
  const response = await fetch(`/api/position?ply=${ply}`);
  if (!response.ok) return;
  earlier = await response.json();
  shown = ply;
  render();
}

const at = () => shown ?? state.moves.length;
const simple = ["undo", "hint", "compare", "step", "run", "stop"];
for (const name of simple) $(name).addEventListener("click", () => command(name));
$("new").addEventListener("click", () => command("new"));
$("analyse").addEventListener("click", () => command("analyse", { on: !state.analysing }));
$("side").addEventListener("change", (event) => command("side", { side: event.target.value }));
$("level").addEventListener("change", (event) => command("level", { level: event.target.value || null }));
$("swap").addEventListener("click", () => command("side", { side: state.side === "first" ? "second" : "first" }));
$("settings").addEventListener("submit", (event) => {
  event.preventDefault();
  $("amount").blur();
});
const setBudget = () => $("amount").value && command("budget", { [$("unit").value]: $("amount").value });
$("amount").addEventListener("change", setBudget);
$("unit").addEventListener("change", () => {
  $("amount").value = { seconds: 1, simulations: 400 }[$("unit").value];
  setBudget();
});
$("type").addEventListener("submit", async (event) => {
  event.preventDefault();
  const typed = $("typed").value.trim();
  if (typed && (await command("move", { move: typed, ply: state.moves.length }))) $("typed").value = "";
});
$("begin").addEventListener("submit", (event) => {
  event.preventDefault();
  $("position").blur();
  command("new", { position: $("position").value });
});
$("turn").addEventListener("click", () => {
  flippedByHand = !board.flipped;
  render();
});
$("on-board").addEventListener("change", () => render());
$("to-start").addEventListener("click", () => lookAt(0));
$("back").addEventListener("click", () => lookAt(at() - 1));
$("forward").addEventListener("click", () => lookAt(at() + 1));
$("to-end").addEventListener("click", () => lookAt(state.moves.length));
document.addEventListener("keydown", (event) => {
  if (!state || event.target.closest("input, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "ArrowLeft" && at() > 0) lookAt(at() - 1);
  else if (event.key === "ArrowRight" && shown !== null) lookAt(at() + 1);
});

follow();
