// Samples: what was asked, what a program answers, what its tests say.

import { html, number, visible } from "./dom.js";

/** Longer texts are shown without being aligned: aligning takes the product of both lengths. */
const MOST_CELLS = 4e6;

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

/** The lines of two texts, aligned: what only the first has, only the second, and both. */
export function diff(before, after) {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const removed = line => ({ kind: "removed", text: line });
  const added = line => ({ kind: "added", text: line });
  if ((old.length + 1) * (now.length + 1) > MOST_CELLS) return [...old.map(removed), ...now.map(added)];
  // common[i][j]: how many lines the rests from i and from j have in common, in order.
  const common = Array.from({ length: old.length + 1 }, () => new Uint32Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      common[i][j] =
        old[i] === now[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const rows = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      rows.push({ kind: "same", text: old[i] });
      i++;
      j++;
    } else if (j === now.length || (i < old.length && common[i + 1][j] >= common[i][j + 1])) {
      rows.push(removed(old[i++]));
    } else {
      rows.push(added(now[j++]));
    }
  }
  return rows;
}

/** Says of lines that replace as many others which part of each differs. */
function withParts(rows) {
  for (let start = 0; start < rows.length;) {
    const end = kind => {
      let at = start;
      while (at < rows.length && rows[at].kind === kind) at++;
      return at;
    };
    const middle = end("removed");
    const count = middle - start;
    const replaced = rows.slice(middle, middle + count);
    if (
      count > 0 &&
      replaced.length === count &&
      replaced.every(row => row.kind === "added") &&
      rows[middle + count]?.kind !== "added"
    ) {
      replaced.forEach((row, at) => markPart(rows[start + at], row));
      start = middle + count;
    } else {
      start = Math.max(middle, start + 1);
    }
  }
  return rows;
}

function markPart(one, other) {
  const [a, b] = [one.text, other.text];
  const shorter = Math.min(a.length, b.length);
  let [start, end] = [0, 0];
  while (start < shorter && a[start] === b[start]) start++;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  // Marking nearly all of a line says nothing.
  if (start + end < shorter / 3) return;
  one.part = [start, a.length - end];
  other.part = [start, b.length - end];
}

const SIGNS = { same: " ", removed: "−", added: "+" };
const SPOKEN = { removed: "only in the reference: ", added: "only in the answer: " };

function row({ kind, text, part }) {
  const [start, end] = part ?? [0, 0];
  const name = { removed: "del", added: "ins" }[kind] ?? "span";
  const shown = part
    ? [
        visible(text.slice(0, start)),
        html("mark", {}, visible(text.slice(start, end))),
        visible(text.slice(end)),
      ]
    : [visible(text)];
  const spoken = SPOKEN[kind] ? html("span", { class: "spoken" }, SPOKEN[kind]) : null;
  return html(
    name,
    { class: `row ${kind}` },
    html("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]),
    spoken,
    ...shown,
    "\n",
  );
}

const text = value =>
  typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);

const program = rows => html("pre", { class: "program", tabindex: "0" }, ...rows.map(row));

const plain = value =>
  program(
    text(value)
      .split("\n")
      .map(line => ({ kind: "same", text: line })),
  );

function programs({ reference, answer }) {
  const [expected, given] = [text(reference), text(answer)];
  if (expected === given && given !== "") {
    return [html("h4", {}, "Answer, the same as the reference"), plain(answer)];
  }
  if (expected === "") return [html("h4", {}, "Answer"), plain(answer)];
  const difference = html(
    "details",
    { open: true },
    html("summary", {}, "Answer against the reference"),
    html(
      "p",
      { class: "key" },
      html("del", {}, "− only in the reference"),
      " ",
      html("ins", {}, "+ only in the answer"),
    ),
    program(withParts(diff(expected, given))),
  );
  const whole = html(
    "details",
    {},
    html("summary", {}, "Each by itself"),
    html("h4", {}, "Reference"),
    plain(reference),
    html("h4", {}, "Answer"),
    plain(answer),
  );
  return [difference, whole];
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
    plain(sample.prompt),
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
