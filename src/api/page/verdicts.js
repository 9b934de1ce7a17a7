// Verdicts as cards, and what they come to.

import { difference, plain } from "./diff.js";
import { html, number, visible } from "./dom.js";

const KINDS = { pass: "good", invalid: "open", skipped: "open", waiting: "open", fault: "alarm" };

const badge = outcome =>
  html("span", { class: `badge ${KINDS[outcome] ?? "bad"}` }, outcome.replace("_", " "));

/** A card for a check that has no verdict yet. */
export const waiting = (id, name) =>
  html(
    "li",
    { class: "card waiting", id },
    html("header", {}, html("h3", {}, name), badge("waiting")),
  );

/** Takes a result into its card; tells what it says, for the summary. */
export function show(card, name, result) {
  const [outcome, parts] = result.error ? fault(result.error) : verdict(result.verdicts[0]);
  card.className = "card";
  card.replaceChildren(html("header", {}, html("h3", {}, name), badge(outcome)), ...parts);
  return outcome;
}

function fault({ message, retryable }) {
  const words = `${message}${retryable ? "; sending it again may help" : ""}`;
  return ["fault", [html("p", { class: "note" }, visible(words))]];
}

function verdict(verdict) {
  const { outcome, message, expected, actual, stdout, stderr, warnings } = verdict;
  const parts = [];
  if (message) parts.push(html("p", {}, visible(message)));
  parts.push(...compared(outcome, expected, actual));
  parts.push(output("Standard output", stdout), output("Standard error", stderr));
  if (warnings) parts.push(html("p", { class: "note" }, visible(warnings.join("; "))));
  parts.push(html("p", { class: "note" }, cost(verdict)));
  return [outcome, parts];
}

function compared(outcome, expected, actual) {
  if (expected === undefined && actual === undefined) return [];
  const titled = (title, text) => [html("h4", {}, title), plain(text)];
  if (expected === actual || outcome === "pass") return titled("As expected", actual ?? expected);
  if (actual === undefined) return titled("Expected", expected);
  if (expected === undefined) return titled("Actual", actual);
  return [
    html("h4", {}, "Expected and actual"),
    ...difference(expected, actual, ["what is expected", "what came"]),
  ];
}

function output(title, text) {
  if (!text) return null;
  return html("details", {}, html("summary", {}, title), plain(text));
}

function cost({ time_ms, fuel, memory_bytes, isolation, cached, backstop }) {
  const facts = [
    `${time_ms.toFixed(2)} ms of guest time`,
    `${number(fuel)} fuel`,
    `${number(memory_bytes / 1024)} KiB`,
    isolation === "shared" ? "test in the program's interpreter" : null,
    cached ? "from the cache" : null,
    backstop ? "ended by the wall clock" : null,
  ];
  return facts.filter(Boolean).join(" · ");
}

/** What the outcomes come to, by the rules of rewards. */
export function summary(outcomes, missing) {
  const count = wanted => outcomes.filter(outcome => wanted.includes(outcome)).length;
  const [passed, faults] = [count(["pass"]), count(["fault"])];
  const valid = outcomes.length - count(["invalid", "skipped", "fault"]);
  const words = [`${passed} passed of ${valid} valid of ${outcomes.length + missing} checks`];
  if (missing > 0) return `${words[0]}, ${missing} under way`;
  if (faults > 0) words.push("not all could be judged, so there is no reward");
  else if (valid === 0) words.push("no check is valid, so there is no reward");
  else words.push(`reward ${passed === valid ? 1 : 0}`);
  return words.join("; ");
}
