// Several calls at once: one line each; the one that is pressed comes on stage and the others are held.

import { View, h, icon, setHidden, shortPeer } from "../dom.js";
import { stateWords } from "./call_view.js";

class CallStrip extends View {
  build() {
    this.list = h("ul", { class: "call-strip", "aria-label": "Your calls", "data-testid": "call-strip" });
    this.append(this.list);
  }

  show(phone) {
    const calls = phone.talking;
    const needed = calls.length > 1 || (calls.length === 1 && !phone.current);
    setHidden(this.list, !needed);
    if (!needed) return this.list.replaceChildren();
    const key = calls.map((call) => `${call.id}${stateWords(call)}${call === phone.current}`).join();
    if (key === this.key && this.list.children.length) return;
    this.key = key;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.call : null;
    this.list.replaceChildren(
      ...calls.map((call) => {
        const on = call === phone.current;
        const button = h("button", { class: on ? "strip-call on" : "strip-call", type: "button", "aria-current": on ? "true" : null, "data-call": call.id, "data-testid": "switch", on: { click: () => phone.switchTo(call) } },
          icon(call.held ? "pause" : "call"), h("span", { class: "grow" }, shortPeer(call.display)), h("span", { class: "quiet" }, stateWords(call)));
        return h("li", {}, button);
      }),
    );
    if (focused) this.list.querySelector(`[data-call="${CSS.escape(focused)}"]`)?.focus();
  }
}

customElements.define("tandem-call-strip", CallStrip);
