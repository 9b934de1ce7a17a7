// Samples: what was asked, what a program answers, what its tests say.

import { difference, plain } from "./diff.js";
import { html, number, visible } from "./dom.js";

export const KINDS = [
  ["all", "All"],
  ["passed", "Passed its tests"],
  ["failed", "Failed a test"],
  ["unlabelled", "Not judged"],
  ["passed-but-wrong", "Passed its tests but is wrong"],
  ["failed-but-right", "Failed a test but is right"],
  ["right", "Right"],
  ["wrong", "Wrong"],
];

const text = value =>
  typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);

function programs({ reference, answer }) {
  const [expected, given] = [text(reference), text(answer)];
  if (expected === given && given !== "") {
    return [html("h4", {}, "Answer, the same as the reference"), plain(given)];
  }
  if (expected === "") return [html("h4", {}, "Answer"), plain(given)];
  const both = html(
    "details",
    { open: true },
    html("summary", {}, "Answer against the reference"),
    ...difference(expected, given, ["the reference", "the answer"]),
  );
  const whole = html(
    "details",
    {},
    html("summary", {}, "Each by itself"),
    html("h4", {}, "Reference"),
    plain(expected),
    html("h4", {}, "Answer"),
    plain(given),
  );
  return [both, whole];
}

const badge = (kind, words) => html("span", { class: `badge ${kind}` }, words);

function judgement({ label, correct }) {
  if (label === 1 && correct === false) return [badge("alarm", "passed its tests but is wrong")];
  if (label === 0 && correct === true) return [badge("alarm", "failed a test but is right")];
  const judged =
    label === 1
      ? badge("good", "passed its tests")
      : label === 0
        ? badge("bad", "failed a test")
        : badge("open", "not judged");
  const truth =
    correct === true
      ? badge("good", "right")
      : correct === false
        ? badge("bad", "wrong")
        : badge("open", "truth not measured");
  return [judged, truth];
}

const VERDICTS = { failed: "bad", satisfied: "good", invalid: "open", skipped: "open" };

function testRow({ test, verdict, times, message, from }) {
  const cell = (label, ...children) => html("td", { "data-label": label }, ...children);
  return html(
    "tr",
    { class: "test" },
    cell("Verdict", badge(VERDICTS[verdict] ?? "open", visible(text(verdict)))),
    cell("Test", html("code", {}, visible(text(test)))),
    cell("Message", visible(text(message))),
    cell("From", visible(text(from)), times > 1 ? ` × ${times}` : ""),
  );
}

function tests(list) {
  if (!Array.isArray(list) || list.length === 0) return html("p", { class: "note" }, "No tests.");
  const heads = ["Verdict", "Test", "Message", "From"].map(head => html("th", {}, head));
  return html(
    "table",
    { class: "tests" },
    html("thead", {}, html("tr", {}, ...heads)),
    html("tbody", {}, ...list.map(testRow)),
  );
}

/** A sample as a card. */
export function card(sample) {
  const facts = [
    sample.samples > 1 ? `${sample.samples} identical` : null,
    typeof sample.logp === "number" ? `log-probability ${number(sample.logp)}` : null,
    sample.policy !== undefined && sample.policy !== sample.iteration
      ? `written by policy ${sample.policy}`
      : null,
  ];
  return html(
    "article",
    { class: "sample" },
    html("header", {}, html("h3", {}, visible(text(sample.question)) || "Sample"), ...judgement(sample)),
    html("p", { class: "note" }, facts.filter(Boolean).join(" · ")),
    html("h4", {}, "Prompt"),
    plain(text(sample.prompt)),
    ...programs(sample),
    html("h4", {}, "Tests"),
    tests(sample.tests),
  );
}

/** Of the newest samples those that say most: mistakes first, as many kinds of them as there are. */
export function telling(samples, count) {
  const rank = ({ label, correct }) =>
    label === 1 && correct === false ? 0 : label === 0 ? 1 : correct === false ? 2 : 3;
  const ranks = [[], [], [], []];
  samples.forEach(sample => ranks[rank(sample)].push(sample));
  const chosen = [];
  while (chosen.length < count && ranks.some(rank => rank.length > 0)) {
    for (const rank of ranks) {
      if (rank.length > 0 && chosen.length < count) chosen.push(rank.shift());
    }
  }
  return chosen;
}
