// Line charts and stacked areas as SVG, without a library.
//
// A chart is given series of points once per update and draws all of it anew: some thousand points
// take milliseconds, and there is no state to go wrong. Values are read in the legend, which shows
// those under the pointer (or the arrow keys), or else the last.

import { html, number, svg } from "./dom.js";

const HEIGHT = 190;
const MARGIN = { top: 8, right: 10, bottom: 24, left: 46 };

/** More points than pixels help nobody. */
const MOST_POINTS = 800;

/** Points are marked where there are few. */
const MOST_MARKS = 60;

/** Steps of 1, 2 or 5 that cut a range into about `count` parts. */
export function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(step => step >= rough * 0.999);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++) {
    found.push(Number((at * step).toPrecision(12)));
  }
  return found;
}

/** Every n-th point, and the last. */
function thin(points) {
  const step = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, at) => at % step === 0 || at === points.length - 1);
}

/** The least and the greatest of as many numbers as there are: too many to be arguments. */
function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

function range(values, { least, most }) {
  let [low, high] = extent(values);
  if (!Number.isFinite(low)) [low, high] = [0, 1];
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 0.1;
  low = Math.max(low - room, least ?? -Infinity);
  high = Math.min(high + room, most ?? Infinity);
  return low < high ? [low, high] : [low - room, high + room];
}

/** The index of the point nearest to an x. */
function nearest(points, x) {
  let best = null;
  for (const point of points) {
    if (best === null || Math.abs(point.x - x) <= Math.abs(best.x - x)) best = point;
  }
  return best;
}

export class Chart {
  /**
   * `definition`: `id`, `title`, `note`, `least` and `most` (bounds of the y axis), `stacked`.
   * `pointed(x)` is told where somebody points, null when no more.
   */
  constructor(definition, pointed) {
    this.definition = definition;
    this.pointed = pointed;
    this.series = [];
    this.cursor = null;
    this.width = 0;
    this.picture = svg("svg", { height: HEIGHT, tabindex: "0", role: "img" });
    this.legend = html("ul", { class: "legend" });
    this.element = html(
      "figure",
      { class: "chart", id: `chart-${definition.id}`, hidden: true },
      html("figcaption", {}, html("h3", {}, definition.title), html("p", {}, definition.note)),
      this.picture,
      this.legend,
    );
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  listen() {
    this.picture.addEventListener("pointermove", event => {
      const left = event.clientX - this.picture.getBoundingClientRect().left;
      if (this.toX) this.pointed(this.toX(left));
    });
    this.picture.addEventListener("pointerleave", () => this.pointed(null));
    this.picture.addEventListener("blur", () => this.pointed(null));
    this.picture.addEventListener("keydown", event => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      if (event.key === "Escape") this.pointed(null);
      if (step === undefined) return;
      event.preventDefault();
      this.step(step);
    });
  }

  /** Moves the cursor by points. */
  step(by) {
    const all = this.series.flatMap(({ points }) => points.map(point => point.x));
    const xs = [...new Set(all)].sort((a, b) => a - b);
    if (xs.length === 0) return;
    const from = this.cursor === null ? xs.length : xs.findIndex(x => x >= this.cursor);
    const at = (from < 0 ? xs.length : from) + by;
    this.pointed(xs[Math.max(0, Math.min(xs.length - 1, at))]);
  }

  /** `series`: `label`, `color` (0 to 7), `dashed`, `points` of `x` and `y`; `axis`: `label`, `format`. */
  update(series, axis) {
    this.series = series.filter(({ points }) => points.length > 0);
    this.axis = axis;
    this.element.hidden = this.series.length === 0;
    this.draw();
  }

  /** Shows values at an x, or the last ones. */
  point(x) {
    this.cursor = x;
    this.drawCursor();
  }

  draw() {
    const width = this.element.clientWidth;
    if (this.element.hidden || width === 0) return;
    this.width = width;
    const shown = this.definition.stacked ? stack(this.series) : this.series;
    const xs = shown.flatMap(({ points }) => points.map(point => point.x));
    const ys = shown.flatMap(({ points, base = [] }) => [...points, ...base].map(point => point.y));
    let [left, right] = extent(xs);
    if (left === right) [left, right] = [left - 1, right + 1];
    const [low, high] = range(ys, this.definition);
    const inner = width - MARGIN.left - MARGIN.right;
    const tall = HEIGHT - MARGIN.top - MARGIN.bottom;
    this.x = x => MARGIN.left + ((x - left) / (right - left)) * inner;
    this.y = y => MARGIN.top + (1 - (y - low) / (high - low)) * tall;
    this.toX = pixel => left + ((pixel - MARGIN.left) / inner) * (right - left);
    this.picture.setAttribute("width", width);
    this.overlay = svg("g", { class: "overlay" });
    this.picture.replaceChildren(
      svg("title", {}, this.definition.title),
      this.grid([left, right], [low, high], inner),
      ...shown.map(series => this.plot(series, low)),
      this.overlay,
    );
    this.drawCursor();
  }

  grid([left, right], [low, high], inner) {
    const grid = svg("g", { class: "grid" });
    const bottom = HEIGHT - MARGIN.bottom;
    for (const y of ticks(low, high, 4)) {
      grid.append(
        svg("line", { x1: MARGIN.left, x2: MARGIN.left + inner, y1: this.y(y), y2: this.y(y) }),
        svg("text", { x: MARGIN.left - 6, y: this.y(y) + 4, "text-anchor": "end" }, short(y)),
      );
    }
    for (const x of ticks(left, right, Math.max(2, inner / 90))) {
      grid.append(
        svg("line", { x1: this.x(x), x2: this.x(x), y1: bottom, y2: bottom + 4 }),
        svg(
          "text",
          {
            x: this.x(x),
            y: bottom + 17,
            "text-anchor": this.x(x) > MARGIN.left + inner - 15 ? "end" : "middle",
          },
          short(x),
        ),
      );
    }
    return grid;
  }

  plot({ label, color, dashed, points, base }) {
    const at = point => `${this.x(point.x).toFixed(1)},${this.y(point.y).toFixed(1)}`;
    const few = thin(points);
    const group = svg("g", {
      class: `series color-${color % 8}${dashed ? " dashed" : ""}`,
      "data-label": label,
      "data-points": points.length,
    });
    if (base) {
      group.append(
        svg("path", {
          class: "area",
          d: `M${few.map(at).join("L")}L${thin(base).reverse().map(at).join("L")}Z`,
        }),
      );
    } else {
      group.append(svg("path", { class: "line", d: `M${few.map(at).join("L")}` }));
      if (points.length <= MOST_MARKS) {
        const mark = point =>
          svg("circle", { cx: this.x(point.x).toFixed(1), cy: this.y(point.y).toFixed(1), r: 2 });
        group.append(...points.map(mark));
      }
    }
    return group;
  }

  drawCursor() {
    if (!this.overlay) return;
    const at = this.cursor;
    const shown = this.series.map(series => ({
      ...series,
      point: at === null ? series.points.at(-1) : nearest(series.points, at),
    }));
    this.overlay.replaceChildren();
    if (at !== null && shown.length > 0) {
      const x = this.x(
        nearest(
          shown.flatMap(({ points }) => points),
          at,
        ).x,
      );
      this.overlay.append(svg("line", { x1: x, x2: x, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }));
    }
    const where = at === null ? "last values" : `${this.axis.label} ${this.axis.format(shown[0]?.point.x)}`;
    const items = shown.map(({ label, color, dashed, point }) =>
      html(
        "li",
        { class: `color-${color % 8}${dashed ? " dashed" : ""}` },
        label,
        " ",
        html("b", {}, number(point.y)),
      ),
    );
    this.legend.replaceChildren(html("li", { class: "where" }, where), ...items);
    const said = shown.map(({ label, point }) => `${label} ${number(point.y)}`).join(", ");
    this.picture.setAttribute("aria-label", `${this.definition.title}, ${where}: ${said}`);
  }
}

/** Numbers at axes: as few signs as can be. */
function short(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  if (size !== 0 && size < 1e-3) return value.toExponential(0);
  return String(Number(value.toPrecision(4)));
}

/** Each series on top of the one before, so that the top is the sum. */
function stack(series) {
  const sums = new Map();
  return series.map(one => {
    const base = one.points.map(({ x }) => ({ x, y: sums.get(x) ?? 0 }));
    const points = one.points.map(({ x, y }) => ({ x, y: (sums.get(x) ?? 0) + y }));
    points.forEach(({ x, y }) => sums.set(x, y));
    return { ...one, points, base };
  });
}
