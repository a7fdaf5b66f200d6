// Asked before signing out in the middle of a call. Esc, or the button that has the focus first, leaves everything as it is.

import { View, h, setText } from "../dom.js";

class SignOutDialog extends View {
  build() {
    this.question = h("h2", { id: "sign-out-question" });
    this.stay = h("button", { type: "button", "data-testid": "sign-out-stay", autofocus: true, on: { click: () => this.dialog.close() } });
    this.leave = h("button", { class: "end", type: "button", "data-testid": "sign-out-confirm", on: { click: () => this.#leave() } });
    this.dialog = h("dialog", { class: "card settings", "aria-labelledby": "sign-out-question", "data-testid": "sign-out-dialog" },
      this.question, h("div", { class: "dialog-buttons" }, this.stay, this.leave));
    this.append(this.dialog);
  }

  // Calls may come to their end while the question stands.
  ask(calls) {
    if (!calls.length && !this.dialog.open) return this.#leave();
    const things = calls.length > 1 ? "calls" : "call";
    setText(this.question, calls.length ? `End the ${things} and sign out?` : "The call is over. Sign out?");
    setText(this.stay, calls.length ? `Back to the ${things}` : "Stay");
    setText(this.leave, calls.length ? "End and sign out" : "Sign out");
    if (!this.dialog.open) this.dialog.showModal();
  }

  #leave() {
    if (this.dialog.open) this.dialog.close();
    this.dispatchEvent(new Event("sign-out"));
  }
}

customElements.define("tandem-sign-out", SignOutDialog);
