// Short words at the foot of the page, said once by a screen reader, gone after a while.

import { View, h } from "../dom.js";

const SHOWN = 5000; // ms

class Toasts extends View {
  build() {
    this.list = h("div", { class: "toasts", role: "status", "aria-live": "polite", "data-testid": "toasts" });
    this.append(this.list);
  }

  say(words) {
    const toast = h("p", { class: "toast", "data-testid": "toast" }, words);
    this.list.replaceChildren(toast);
    setTimeout(() => toast.remove(), SHOWN);
  }

  clear() {
    this.list.replaceChildren();
  }
}

customElements.define("tandem-toasts", Toasts);
