// Elements and numbers. Text goes in as text, whatever it holds: nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

/** An element with attributes and children; strings become text. */
export const html = (name, attributes = {}, ...children) =>
  fill(document.createElement(name), attributes, children);

/** The same for drawings. */
export const svg = (name, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

export const byId = id => document.getElementById(id);

/** Characters that are not seen, or that turn the text around them, as escapes. */
export const visible = text =>
  String(text).replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    character => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );

const isNumber = value => typeof value === "number" && Number.isFinite(value);

/** A number with three significant places, and thousands set apart. */
export function number(value) {
  if (!isNumber(value)) return "–";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return value.toLocaleString("en");
  if (size >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 3);
}

/** Seconds as a person says them. */
export function duration(seconds) {
  if (!isNumber(seconds)) return "–";
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Offers choices in a select and keeps what is chosen. */
export function offer(select, choices) {
  const key = JSON.stringify(choices);
  if (select.dataset.offered === key) return;
  select.dataset.offered = key;
  const chosen = select.value;
  select.replaceChildren(...choices.map(([value, text]) => html("option", { value }, text)));
  if (choices.some(([value]) => value === chosen)) select.value = chosen;
}
