// What the server knows of runs, fetched again and again while somebody looks.

const PERIOD = 2000;

/** What a person is told instead of data; every other error is a mistake of this page. */
export class Unanswered extends Error {}

/** Asks the server; an error says what it says. */
export async function ask(path, parameters = {}) {
  const url = new URL(`runs/api/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  let response, answer;
  try {
    response = await fetch(url);
    answer = await response.json();
  } catch {
    throw new Unanswered("No answer; trying again");
  }
  if (!response.ok) throw new Unanswered(answer.detail);
  return answer;
}

const runPath = name => `run/${encodeURIComponent(name)}`;

export const listRuns = () => ask("runs");

export const samplesOf = (name, filter) => ask(`${runPath(name)}/samples`, filter);

/** One run: its lines of metrics, of which only new ones are asked for, and what goes with them. */
export class Run {
  constructor(name) {
    this.name = name;
    this.lines = [];
    this.generation = null;
    this.details = null;
  }

  /** Everything that a run's page shows, but for samples. */
  async refresh() {
    this.details = await ask(runPath(this.name));
    await this.refreshMetrics();
  }

  async refreshMetrics() {
    for (let more = true; more;) {
      const after = this.lines.at(-1)?.iteration;
      const known = after === undefined ? {} : { after, generation: this.generation };
      const answer = await ask(`${runPath(this.name)}/metrics`, known);
      // A run that was resumed from an earlier iteration tells another story from there.
      if (answer.generation !== this.generation) this.lines = [];
      this.generation = answer.generation;
      this.lines.push(...answer.lines);
      more = answer.more;
    }
  }
}

/** Calls again and again, one call at a time, while the page is seen; `now()` calls at once. */
export class Poll {
  constructor(work) {
    this.work = work;
    this.timer = null;
    this.busy = false;
    this.again = false;
    document.addEventListener("visibilitychange", () => this.now());
  }

  async now() {
    clearTimeout(this.timer);
    if (document.hidden) return;
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    try {
      await this.work();
    } finally {
      this.busy = false;
      const soon = this.again;
      this.again = false;
      if (soon) this.now();
      else this.timer = setTimeout(() => this.now(), PERIOD);
    }
  }
}

const last = (lines, of) => {
  for (let at = lines.length - 1; at >= 0; at--) {
    const value = of(lines[at]);
    if (value !== null && value !== undefined) return value;
  }
  return null;
};

/** The newest value of a field, however long ago it was measured. */
export const newest = (lines, field) => last(lines, line => line[field]);

/** What is left of a run in seconds, as its last iterations went; null where nobody can tell. */
export function secondsLeft(lines) {
  const end = lines.at(-1);
  if (!end || !(end.iterations > end.iteration)) return null;
  const total = line => (line.seconds ?? NaN) + (line.evaluation_seconds ?? 0);
  const start = lines.at(-Math.min(lines.length, 11));
  const each = (total(end) - total(start)) / (end.iteration - start.iteration);
  return Number.isFinite(each) ? each * (end.iterations - end.iteration) : null;
}

const ENDINGS = {
  executions: "Ended: all executions are used up",
  wall: "Ended: its time is over",
  iterations: "Ended: all iterations are done",
};

/** What a run does, in words, and whether it still does something. */
export function stateOf({ ended, warm = [], seconds_since_change: quiet }, end) {
  if (ended) return [ENDINGS[ended.why] ?? `Ended${ended.why ? `: ${ended.why}` : ""}`, false];
  if (end && end.iteration >= end.iterations) return ["Ended: all iterations are done", false];
  // Ten minutes are longer than iterations take, and five of them than evaluations do.
  const usual = Math.max(600, 5 * (end?.timing?.iteration ?? 0));
  if (quiet > usual) return [`Silent for ${Math.round(quiet / 60)} min`, false];
  if (end) return [`Training: iteration ${end.iteration + 1}`, true];
  const step = warm.at(-1);
  return [step ? `Warm start: ${step.player}, step ${step.step} of ${step.steps}` : "Warm start", true];
}
