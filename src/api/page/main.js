// The page: a form, and the verdicts on what it says.

import { Checks } from "./checks.js";
import { byId, html, offer, visible } from "./dom.js";
import { EXAMPLES } from "./examples.js";
import { follow } from "./figures.js";
import { oneByOne, problems, results, together } from "./request.js";
import { show, summary, waiting } from "./verdicts.js";

const URL_OF_CHECKS = new URL("v1/checks", document.baseURI);
const FIELDS = ["code", "reference", "time", "memory", "tolerance", "whitespace", "isolation", "seed"];

const checks = new Checks(byId("checks"));
const texts = () => Object.fromEntries(FIELDS.map(name => [name, byId(name).value]));

let running = null;

async function judge() {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  const sent = checks.values();
  clearProblems();
  const cards = sent.map((_, at) => waiting(`verdict-${at + 1}`, `Check ${at + 1}`));
  byId("verdicts").replaceChildren(...cards);
  byId("stop").disabled = false;
  const outcomes = [];
  const tell = words => (byId("summary").textContent = words);
  tell(summary(outcomes, sent.length));
  try {
    const request = oneByOne(texts(), sent);
    for await (const result of results(URL_OF_CHECKS, request, byId("key").value, mine.signal)) {
      const at = sent.findIndex(({ id }) => id === result.id);
      outcomes.push(show(cards[at], `Check ${at + 1}`, result));
      tell(summary(outcomes, sent.length - outcomes.length));
    }
    if (outcomes.length < sent.length) tell("The answer broke off before its end.");
  } catch (error) {
    if (running !== mine) return;
    byId("verdicts").replaceChildren(...cards.filter(card => !card.classList.contains("waiting")));
    tell(mine.signal.aborted ? "Stopped." : refused(error));
  } finally {
    if (running === mine) {
      running = null;
      byId("stop").disabled = true;
    }
  }
}

/** Shows what the service said of the request, at the fields that it names. */
function refused(error) {
  if (error.status === 401 || error.status === 403) {
    byId("key-part").open = true;
    byId("key").focus();
  }
  const found = problems(error.cause ?? {});
  if (found.length === 0) return `Not judged: ${error.message}`;
  const list = byId("problems");
  // What all submissions share is wrong in each of them, and said once.
  const once = [...new Map(found.map(problem => [`${problem.check}/${problem.field}`, problem])).values()];
  list.replaceChildren(...once.map(problem => html("li", {}, pointer(problem))));
  list.hidden = false;
  list.className = "bad";
  list.querySelector("button")?.focus();
  return "Not judged: the service does not take this request.";
}

function pointer(problem) {
  const place = problem.check === null ? byId("form") : checks.cards()[problem.check];
  const known = [...(place?.querySelectorAll("[data-field]") ?? [])];
  const field = known.find(({ dataset }) => problem.field.startsWith(dataset.field));
  const where = problem.check === null ? "" : `Check ${problem.check + 1}, `;
  const words = `${where}${problem.field || "check"}: ${visible(problem.message)}`;
  const input = field?.matches("select") ? field : field?.querySelector("input, textarea, select");
  if (!input) return words;
  const id = `wrong-${input.id}`;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", id);
  input.closest(".input, header").append(html("p", { class: "wrong", id }, visible(problem.message)));
  const button = html("button", { type: "button" }, words);
  button.addEventListener("click", () => {
    const folded = input.closest("details");
    if (folded) folded.open = true;
    input.focus();
  });
  return button;
}

function clearProblems() {
  byId("problems").hidden = true;
  document.querySelectorAll(".wrong").forEach(words => words.remove());
  for (const input of document.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
}

function showRequest() {
  byId("shell").textContent =
    `curl -H 'Content-Type: application/json' --data-binary @request.json ${URL_OF_CHECKS}`;
  byId("request").textContent = JSON.stringify(together(texts(), checks.values()), null, 2);
}

function take(example) {
  for (const name of FIELDS) byId(name).value = example[name] ?? "";
  byId("reference-part").open = Boolean(example.reference);
  checks.replace(example.checks);
  showRequest();
}

byId("form").addEventListener("submit", event => {
  event.preventDefault();
  judge();
});
byId("form").addEventListener("keydown", event => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    judge();
  } else if (event.key === "Enter" && event.target.matches("input")) {
    // A line of a check is no command to judge.
    event.preventDefault();
  }
});
byId("form").addEventListener("input", showRequest);
byId("form").addEventListener("click", showRequest);
byId("stop").addEventListener("click", () => running?.abort());
byId("add").addEventListener("click", () => checks.add().focus());
offer(
  byId("example"),
  EXAMPLES.map(({ name }, at) => [String(at), name]),
);
byId("example").addEventListener("change", event => take(EXAMPLES[Number(event.target.value)]));

take(EXAMPLES[0]);
follow(byId("figures"), byId("figures-note"), () => byId("key").value);
