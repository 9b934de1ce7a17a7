// The page: which run is shown, and what of it.

import { listRuns, newest, Poll, Run, samplesOf, secondsLeft, stateOf, Unanswered } from "./data.js";
import { byId, duration, html, number, offer } from "./dom.js";
import { AXES, Comparison, Curves } from "./curves.js";
import { card, KINDS, telling } from "./samples.js";

/** Runs whose curves are drawn side by side; more could not be told apart. */
const MOST_COMPARED = 24;

/** Samples on one page of the inspector. */
const PAGE = 10;

/** Current samples that are shown. */
const CURRENT = 4;

/** The address after `#`: the run that is shown, and what is looked at. */
const address = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

function goTo(changes) {
  const kept = Object.entries({ ...address(), ...changes });
  const set = kept.filter(([, value]) => value !== null && value !== "");
  location.hash = new URLSearchParams(set).toString();
}

const axis = () => AXES[address().axis] ?? AXES.iteration;

/** All runs, with curves side by side. */
class ListView {
  constructor() {
    this.comparison = new Comparison(byId("comparison"));
    this.runs = new Map();
    this.rows = new Map();
  }

  async refresh() {
    const { runs, left_off: leftOff } = await listRuns();
    const compared = runs.slice(0, MOST_COMPARED);
    for (const { name, generation, last } of compared) await this.follow(name, generation, last);
    this.showRows(runs);
    byId("none").hidden = runs.length > 0;
    byId("left-off").hidden = leftOff === 0;
    byId("left-off").textContent = `${leftOff} more are not listed.`;
    this.shown = compared.map(({ name, config }) => ({
      name,
      arm: config?.arm ?? name,
      lines: this.runs.get(name).lines,
    }));
    this.draw();
  }

  /** Fetches metrics only where there are new ones. */
  async follow(name, generation, last) {
    if (!this.runs.has(name)) this.runs.set(name, new Run(name));
    const run = this.runs.get(name);
    if (run.generation !== generation || run.lines.at(-1)?.iteration !== last?.iteration)
      await run.refreshMetrics();
  }

  draw() {
    if (this.shown) this.comparison.update(this.shown, axis());
  }

  /** Rows stay the elements that they are, so that a link keeps the focus while numbers change. */
  showRows(runs) {
    const names = runs.map(({ name }) => name);
    if (JSON.stringify(names) !== JSON.stringify([...this.rows.keys()])) {
      this.rows = new Map(names.map(name => [name, this.rows.get(name) ?? emptyRow(name)]));
      byId("rows").replaceChildren(...this.rows.values());
    }
    for (const run of runs) {
      const [, ...cells] = this.rows.get(run.name).children;
      this.cells(run).forEach((content, at) => cells[at].replaceChildren(...content));
    }
  }

  /** What stands beside a run's name. */
  cells({ name, config, last, ...state }) {
    const lines = this.runs.get(name)?.lines ?? (last ? [last] : []);
    const [words, alive] = stateOf(state, last);
    const progress = { value: last?.iteration, max: last?.iterations, "aria-label": "iterations" };
    return [
      [String(config?.arm ?? "–")],
      [String(config?.seed ?? "–")],
      last?.iterations ? [html("progress", progress), ` ${last.iteration} of ${last.iterations}`] : ["–"],
      [number(newest(lines, "pass_at_1"))],
      [number(last?.executions)],
      [html("span", { class: alive ? "alive" : null }, words)],
    ];
  }
}

/** A row with a link to a run, and a cell for each thing that is said of it. */
function emptyRow(name) {
  const link = html("a", { href: `#${new URLSearchParams({ run: name })}` }, name);
  const kinds = [null, "number", "iteration", "number", "number", null];
  return html("tr", {}, html("td", {}, link), ...kinds.map(kind => html("td", { class: kind })));
}

/** One run. */
class RunView {
  constructor() {
    this.curves = new Curves(byId("curves"), byId("more-curves"));
    this.run = null;
    this.listen();
    offer(byId("show"), KINDS);
  }

  listen() {
    const choose = (id, name) =>
      byId(id).addEventListener("change", event => goTo({ [name]: event.target.value, offset: null }));
    choose("iteration", "iteration");
    choose("family", "family");
    choose("show", "show");
    byId("inspector").addEventListener("submit", event => event.preventDefault());
    byId("earlier").addEventListener("click", () => this.stepIteration(-1));
    byId("later").addEventListener("click", () => this.stepIteration(1));
    byId("previous").addEventListener("click", () => this.turn(-PAGE));
    byId("next").addEventListener("click", () => this.turn(PAGE));
  }

  stepIteration(by) {
    const iterations = this.run?.details?.iterations ?? [];
    const chosen = address().iteration;
    const at = chosen === undefined ? iterations.length - 1 : iterations.indexOf(Number(chosen));
    const next = iterations[at + by];
    if (next !== undefined) goTo({ iteration: next, offset: null });
  }

  turn(by) {
    goTo({ offset: Math.max(0, (Number(address().offset) || 0) + by) || null });
  }

  async refresh(name) {
    if (this.run?.name !== name) {
      this.run = new Run(name);
      this.current = this.inspected = null;
    }
    const run = this.run;
    await run.refresh();
    if (run !== this.run) return;
    byId("config").textContent = run.details.config
      ? JSON.stringify(run.details.config, null, 2)
      : "There is none.";
    this.figures();
    this.draw();
    await this.refreshSamples(name);
  }

  draw() {
    if (this.run?.details) this.curves.update(this.run.lines, this.run.details.warm, axis());
  }

  figures() {
    const { lines, details } = this.run;
    const end = lines.at(-1);
    const [words, alive] = stateOf(details, end);
    const left = alive ? secondsLeft(lines) : null;
    const pair = (field, digits = number) => digits(newest(lines, field));
    const shown = [
      ["Now", html("span", { class: "words" }, words), `arm ${details.config?.arm ?? "unknown"}`],
      ["Iteration", end ? `${number(end.iteration)} of ${number(end.iterations)}` : "–", null],
      ["pass@1", pair("pass_at_1"), `new wording ${pair("pass_at_1_new_wording")}`],
      [
        "Tests say, truth says",
        `${pair("train_pass_rate")} / ${pair("true_pass_rate")}`,
        "share of training samples that pass, that are right",
      ],
      ["Detection", pair("detection"), `hard bugs ${pair("hard_detection")}`],
      ["Executions", number(end?.executions), `${number(end?.executions_unique)} without duplicates`],
      ["Time", duration(end?.seconds), left === null ? "" : `about ${duration(left)} left`],
    ];
    const figure = ([name, value, more]) =>
      html("div", {}, html("dt", {}, name), html("dd", {}, value, more ? html("small", {}, more) : null));
    byId("figures").replaceChildren(...shown.map(figure));
  }

  async refreshSamples(name) {
    const { iterations } = this.run.details;
    const { iteration = "", family = "", show = "all", offset = 0 } = address();
    const newestFirst = [...iterations].reverse().map(number => [String(number), String(number)]);
    offer(byId("iteration"), [["", "newest"], ...newestFirst]);
    byId("iteration").value = iteration;
    const [current, inspected] = await Promise.all([
      samplesOf(name, {}),
      samplesOf(name, { iteration, family, show, offset, limit: PAGE }),
    ]);
    if (this.run?.name !== name) return;
    this.showCurrent(current);
    this.showInspected(inspected, Number(offset), { family, show });
  }

  showCurrent(answer) {
    byId("current-note").textContent =
      answer.iteration === null
        ? "There are none yet."
        : `Iteration ${answer.iteration}, ${answer.total} different answers`;
    this.replace("current", telling(answer.samples, CURRENT));
  }

  showInspected(answer, offset, { family, show }) {
    const families = Object.entries(answer.families).map(([name, count]) => [
      name,
      `${name || "no family"} (${count})`,
    ]);
    const gone = family !== "" && !(family in answer.families) ? [[family, `${family} (0)`]] : [];
    offer(byId("family"), [["", "all"], ...families.filter(([name]) => name !== ""), ...gone]);
    offer(
      byId("show"),
      KINDS.map(([kind, words]) => [kind, `${words} (${answer.kinds[kind] ?? 0})`]),
    );
    byId("family").value = family;
    byId("show").value = show;
    const end = offset + answer.samples.length;
    byId("inspected-note").textContent =
      answer.total === 0
        ? "No sample of this kind."
        : `Iteration ${answer.iteration}: ${offset + 1} to ${end} of ${answer.total}`;
    byId("previous").disabled = offset === 0;
    byId("next").disabled = end >= answer.total;
    this.replace("inspected", answer.samples);
  }

  /** Leaves cards alone that are the same: somebody may be reading, or selecting text. */
  replace(place, samples) {
    const key = JSON.stringify(samples);
    if (this[place] === key) return;
    this[place] = key;
    byId(place).replaceChildren(...samples.map(card));
  }
}

const list = new ListView();
const view = new RunView();

function setUp() {
  const { run } = address();
  byId("list").hidden = run !== undefined;
  byId("run").hidden = run === undefined;
  byId("name").textContent = run === undefined ? "" : ` / ${run}`;
  document.title = `${run ?? "Runs"} · Touchstone`;
  for (const select of document.querySelectorAll("select.axis")) {
    offer(
      select,
      Object.entries(AXES).map(([name, { label }]) => [name, label]),
    );
    select.value = address().axis in AXES ? address().axis : "iteration";
  }
}

function connection(words, bad) {
  const status = byId("connection");
  if (status.textContent !== words) status.textContent = words;
  status.classList.toggle("bad", bad);
}

const poll = new Poll(async () => {
  const { run } = address();
  try {
    await (run === undefined ? list.refresh() : view.refresh(run));
    connection("Live", false);
  } catch (error) {
    if (!(error instanceof Unanswered)) console.error(error);
    connection(error instanceof Unanswered ? error.message : `This page failed: ${error.message}`, true);
  }
});

for (const select of document.querySelectorAll("select.axis")) {
  select.addEventListener("change", event => goTo({ axis: event.target.value }));
}
addEventListener("hashchange", () => {
  setUp();
  list.draw();
  view.draw();
  poll.now();
});
setUp();
poll.now();
