// The number and the keys. Works by mouse, finger and keyboard: digits anywhere on the page, Enter to call, Backspace, Esc.

import { View, h, icon, setHidden } from "../dom.js";

export const KEYS = [
  ["1", ""], ["2", "ABC"], ["3", "DEF"], ["4", "GHI"], ["5", "JKL"], ["6", "MNO"],
  ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"], ["*", ""], ["0", "+"], ["#", ""],
];

export const KEY_NAMES = { "*": "star", "#": "pound" };

export function keypad(press, testid) {
  return h("div", { class: "keys", role: "group", "aria-label": "Keypad" }, KEYS.map(([key, letters]) =>
    h("button", { class: "key", type: "button", "aria-label": KEY_NAMES[key] ?? key, "data-testid": `${testid}-${KEY_NAMES[key] ?? key}`, on: { click: () => press(key) } },
      h("span", { class: "digit" }, key), h("span", { class: "letters", "aria-hidden": "true" }, letters))));
}

class DialPad extends View {
  build() {
    this.input = h("input", {
      class: "number", type: "text", inputmode: "tel", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: 256,
      "data-testid": "number",
      on: { input: () => this.#changed(), keydown: (event) => event.key === "Enter" && this.call() },
    });
    this.erase = h("button", { class: "ghost round", type: "button", "aria-label": "Delete the last digit", "data-testid": "erase", on: { click: () => this.backspace() } }, icon("back"));
    this.button = h("button", { class: "call round big", type: "button", "aria-label": "Call", "data-testid": "dial", on: { click: () => this.call() } }, icon("call"));
    this.append(
      h("section", { class: "card dial-pad", "aria-label": "Dial" },
        h("div", { class: "number-row" }, this.input, this.erase),
        keypad((key) => this.press(key), "key"),
        h("div", { class: "call-row" }, this.button),
        h("p", { class: "hint quiet" }, "Type a number, press ", h("kbd", {}, "Enter"), " to call")),
    );
    this.phone.addEventListener("change", () => this.#changed());
    this.#changed();
  }

  press(key) {
    this.input.value += key;
    this.phone.sounds.key(key);
    this.#changed();
  }

  backspace() {
    this.input.value = this.input.value.slice(0, -1);
    this.#changed();
  }

  clear() {
    this.input.value = "";
    this.#changed();
  }

  // An empty field recalls the last number, as telephones do.
  call() {
    const last = this.phone.history.entries.find((entry) => entry.direction === "out");
    if (!this.input.value.trim()) {
      if (last) this.input.value = last.peer;
      return this.#changed();
    }
    if (this.button.disabled) return;
    const to = this.input.value;
    this.clear();
    this.phone.dial(to);
  }

  #changed() {
    const words = this.phone.book.empty ? "Number or user name" : "Number or name"; // names only where there is a directory
    if (this.input.placeholder !== words) Object.assign(this.input, { placeholder: words, ariaLabel: `${words} to call` });
    setHidden(this.erase, !this.input.value);
    this.button.disabled = this.phone.connection.state !== "open";
    this.input.classList.toggle("long", this.input.value.length > 12);
  }
}

customElements.define("tandem-dial-pad", DialPad);
