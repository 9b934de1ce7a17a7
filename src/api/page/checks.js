// The form's checks: one card each, and what they say as JSON.

import { html } from "./dom.js";

/** Fields of each kind: name, label, lines, and what an empty one means. */
const KINDS = {
  call: {
    name: "Value of a call",
    fields: [
      ["call", "Expression over the program's names", 1],
      ["expected", "Expression of the expected value; empty: what the reference gives", 1],
    ],
  },
  stdio: {
    name: "Input and output",
    fields: [
      ["stdin", "Standard input", 3],
      ["expected", "Expected output", 3],
    ],
  },
  script: {
    name: "Test code",
    fields: [
      ["source", "Asserts, a unittest class, or a check(candidate)", 6],
      ["entry_point", "The function that check(candidate) is given, if any", 1],
    ],
  },
  critic: {
    name: "Text of a critic model",
    fields: [["text", "Its last <testcase> holds CALL: … or STDIN: …; a reference judges it", 4]],
  },
};

/** What is left out where it is empty; an empty text is a text elsewhere. */
const OPTIONAL = { call: ["expected"], script: ["entry_point"], stdio: [], critic: [] };

let made = 0;

/** The checks of a form. */
export class Checks {
  #list;

  constructor(list) {
    this.#list = list;
  }

  /** Adds a card for a check, or an empty one. */
  add(check = { kind: "call" }) {
    const id = `check-${++made}`;
    const kind = html(
      "select",
      { id: `${id}-kind`, "data-field": "kind" },
      ...Object.entries(KINDS).map(([value, { name }]) => html("option", { value }, name)),
    );
    kind.value = check.kind;
    const remove = html("button", { type: "button" }, "Remove");
    const title = html("h3", {});
    const card = html(
      "li",
      { class: "card", "data-check": id },
      html("header", {}, title, html("label", { for: kind.id, class: "spoken" }, "Kind"), kind, remove),
      html("div", { class: "fields" }),
    );
    kind.addEventListener("change", () => this.#fill(card, id, { kind: kind.value }));
    remove.addEventListener("click", () => {
      const next = card.nextElementSibling ?? card.previousElementSibling;
      card.remove();
      this.#name();
      (next?.querySelector("select") ?? document.getElementById("add")).focus();
    });
    this.#list.append(card);
    this.#fill(card, id, check);
    this.#name();
    return kind;
  }

  #fill(card, id, check) {
    const fields = KINDS[check.kind].fields.map(([name, label, lines]) => {
      const input = html(lines > 1 ? "textarea" : "input", {
        id: `${id}-${name}`,
        rows: lines > 1 ? lines : null,
        spellcheck: "false",
        autocapitalize: "off",
        autocomplete: "off",
        "data-name": name,
      });
      input.value = check[name] ?? "";
      return html("div", { class: "input", "data-field": name }, html("label", { for: input.id }, label), input);
    });
    card.querySelector(".fields").replaceChildren(...fields);
  }

  #name() {
    this.cards().forEach((card, at) => {
      card.querySelector("h3").textContent = `Check ${at + 1}`;
      card.querySelector("button").setAttribute("aria-label", `Remove check ${at + 1}`);
    });
  }

  /** The cards, in order. */
  cards() {
    return [...this.#list.children];
  }

  /** Takes others in place of what there is. */
  replace(checks) {
    this.#list.replaceChildren();
    checks.forEach(check => this.add(check));
  }

  /** As the service takes them. */
  values() {
    return this.cards().map((card, at) => {
      const kind = card.querySelector("select").value;
      const check = { id: `check-${at + 1}`, kind };
      for (const input of card.querySelectorAll("[data-name]")) {
        const name = input.dataset.name;
        if (input.value !== "" || !OPTIONAL[kind].includes(name)) check[name] = input.value;
      }
      return check;
    });
  }
}
