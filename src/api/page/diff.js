// Two texts beside one another, line by line.

import { html, visible } from "./dom.js";

/** Longer texts are shown without being aligned: aligning takes the product of both lengths. */
const MOST_CELLS = 4e6;

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

function row({ kind, text, part }, spokenOf) {
  const [start, end] = part ?? [0, 0];
  const name = { removed: "del", added: "ins" }[kind] ?? "span";
  const shown = part
    ? [
        visible(text.slice(0, start)),
        html("mark", {}, visible(text.slice(start, end))),
        visible(text.slice(end)),
      ]
    : [visible(text)];
  const spoken = spokenOf[kind] ? html("span", { class: "spoken" }, `${spokenOf[kind]}: `) : null;
  return html(
    name,
    { class: `row ${kind}` },
    html("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]),
    spoken,
    ...shown,
    "\n",
  );
}

const block = (rows, spokenOf) =>
  html("pre", { class: "program", tabindex: "0" }, ...rows.map(line => row(line, spokenOf)));

/** A text as it is, with what cannot be seen made visible. */
export const plain = text =>
  block(
    text.split("\n").map(line => ({ kind: "same", text: line })),
    {},
  );

/** What only `before` has, what only `after` has, and both; `names` say what to call the two. */
export function difference(before, after, names) {
  const spokenOf = { removed: `only in ${names[0]}`, added: `only in ${names[1]}` };
  const key = html(
    "p",
    { class: "key" },
    html("del", {}, `− ${spokenOf.removed}`),
    " ",
    html("ins", {}, `+ ${spokenOf.added}`),
  );
  return [key, block(withParts(diff(before, after)), spokenOf)];
}
