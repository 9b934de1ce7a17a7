// What the service is doing, from its metrics.

import { html, number } from "./dom.js";

/** How often they are asked for. A scrape is some microseconds of work. */
const EVERY_MS = 2000;

const METRICS = new URL("metrics", document.baseURI);

/** The samples of a Prometheus text: for each name, of each set of labels, its value. */
export function parse(text) {
  const samples = new Map();
  for (const line of text.split("\n")) {
    const [, name, labels, value] = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (name === undefined) continue;
    if (!samples.has(name)) samples.set(name, []);
    samples.get(name).push([labels ?? "", Number(value)]);
  }
  return samples;
}

/** The sum over all labels that hold `part`; NaN where there is no such metric. */
const sum = (samples, name, part = "") =>
  samples.get(name)?.reduce((total, [labels, value]) => total + (labels.includes(part) ? value : 0), 0) ?? NaN;

function figures(now, before, seconds) {
  const of = (name, part) => sum(now, name, part);
  const rate = name => (before ? (of(name) - sum(before, name)) / seconds : NaN);
  const judged = of("touchstone_checks_total");
  const hits = of("touchstone_cache_hits_total");
  const asked = hits + of("touchstone_executions_total");
  const share = asked > 0 ? `${Math.round((100 * hits) / asked)} %` : "–";
  return [
    ["Waiting", `${number(of("touchstone_queue_checks"))}`, `of ${number(of("touchstone_queue_capacity_checks"))} checks`],
    ["Executions a second", number(rate("touchstone_executions_total")), "over the last two seconds"],
    ["Checks judged", number(judged), `${number(of("touchstone_checks_total", 'outcome="pass"'))} passed`],
    ["Answered from the cache", share, `${number(hits)} executions`],
    ["Workers", number(of("touchstone_workers")), `${number(of("touchstone_worker_restarts_total"))} replaced`],
  ];
}

const shown = ([name, value, note]) =>
  html("div", {}, html("dt", {}, name), html("dd", {}, value, html("small", {}, note)));

/** Keeps the figures in `list` up to date, and says in `note` why there are none. */
export function follow(list, note, key) {
  let before = null;
  const ask = async () => {
    const headers = key() ? { Authorization: `Bearer ${key()}` } : {};
    const response = await fetch(METRICS, { headers });
    if (!response.ok) throw new Error(`its metrics are not shown here (${response.status})`);
    const now = { at: performance.now(), samples: parse(await response.text()) };
    const seconds = before ? (now.at - before.at) / 1000 : NaN;
    list.replaceChildren(...figures(now.samples, before?.samples, seconds).map(shown));
    before = now;
  };
  const again = async () => {
    // Nobody looks at a page that is hidden.
    if (!document.hidden) {
      await ask().then(
        () => (note.hidden = true),
        error => {
          note.textContent = `No figures of the service: ${error.message}.`;
          note.hidden = false;
        },
      );
    }
    setTimeout(again, EVERY_MS);
  };
  again();
}
