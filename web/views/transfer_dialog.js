// Giving the call away, or making it larger: to a number, or with another call of this page.

import { View, h, icon, setHidden, setText, shortPeer } from "../dom.js";

class TransferDialog extends View {
  build() {
    this.input = h("input", {
      id: "transfer-to", type: "text", inputmode: "tel", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: 256, "data-testid": "transfer-to",
      on: { input: () => this.#changed(), keydown: (event) => event.key === "Enter" && this.#act("transfer") },
    });
    this.transfer = h("button", { type: "button", "data-testid": "transfer-now", on: { click: () => this.#act("transfer") } }, "Transfer");
    this.ask = h("button", { type: "button", "data-testid": "transfer-ask", on: { click: () => this.#ask() } }, "Ask first");
    this.add = h("button", { type: "button", "data-testid": "transfer-add", on: { click: () => this.#act("add") } }, "Add to the call");
    this.others = h("ul", { class: "entries", "data-testid": "transfer-others" });
    this.othersSection = h("section", { "aria-labelledby": "transfer-others-title", hidden: true }, h("h3", { id: "transfer-others-title" }, "With your other call"), this.others);
    this.heading = h("h2", { id: "transfer-title" });
    this.dialog = h("dialog", { class: "card settings", "aria-labelledby": "transfer-title", "data-testid": "transfer-dialog" },
      h("div", { class: "dialog-head" }, this.heading,
        h("button", { class: "ghost round", type: "button", "aria-label": "Close", "data-testid": "transfer-close", on: { click: () => this.dialog.close() } }, icon("close"))),
      this.othersSection,
      h("label", { for: "transfer-to" }, "Number or name"), this.input,
      h("div", { class: "dialog-buttons" }, this.ask, this.add, this.transfer),
      h("p", { class: "quiet small" }, "Transfer: they talk without you once it is answered, else you have the call back. Ask first: call somebody while this call waits, then connect both here."));
    this.append(this.dialog);
  }

  open(call) {
    this.call = call;
    setText(this.heading, `Transfer ${shortPeer(call.display)}`);
    this.input.value = "";
    this.#showOthers();
    this.#changed();
    this.dialog.showModal();
    this.input.focus();
  }

  #showOthers() {
    const others = this.phone.talking.filter((call) => call !== this.call && call.state === "active");
    setHidden(this.othersSection, !others.length);
    this.others.replaceChildren(...others.map((other) => {
      const name = shortPeer(other.display);
      return h("li", { class: "setting-row" }, h("span", { class: "grow" }, name),
        h("button", { class: "small", type: "button", "data-testid": "connect", on: { click: () => this.#with("connect", other) } }, "Connect and leave"),
        h("button", { class: "small", type: "button", "data-testid": "join", on: { click: () => this.#with("join", other) } }, "All together"));
    }));
  }

  #changed() {
    const empty = !this.input.value.trim();
    for (const button of [this.transfer, this.ask, this.add]) button.disabled = empty;
  }

  // What: "transfer" or "add".
  #act(what) {
    const to = this.phone.book.numberFor(this.input.value);
    if (!to) return;
    this.dialog.close();
    this.call.wish(what, { to });
  }

  #ask() {
    const to = this.input.value;
    this.dialog.close();
    this.phone.dial(to);
  }

  #with(what, other) {
    this.dialog.close();
    if (what === "join") this.call.hold(false); // everybody is to hear everybody
    this.call.wish(what, { other: other.id });
  }
}

customElements.define("tandem-transfer", TransferDialog);
