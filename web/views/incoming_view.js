// A call that rings: who it is, yes or no. During another call, yes means that the other one is held first.

import { View, h, icon, initials, setText, shortPeer } from "../dom.js";

class IncomingView extends View {
  build() {
    const { call, phone } = this;
    const shown = shortPeer(call.display);
    const peer = shortPeer(call.peer);
    this.note = h("p", { class: "quiet", "data-testid": "incoming-note" });
    this.answer = h("button", { class: "call", type: "button", "data-testid": "answer", on: { click: () => phone.answer(call) } }, icon("call"), (this.answerWords = h("span", {}, "Answer")));
    this.decline = h("button", { class: "end", type: "button", "data-testid": "decline", on: { click: () => call.decline(phone.talking.length > 0) } }, icon("end"), h("span", {}, "Decline"));
    this.append(
      h("section", { class: "card incoming", role: "alertdialog", "aria-label": `Incoming call from ${shown}`, "data-testid": "incoming" },
        h("div", { class: "avatar pulse", "aria-hidden": "true" }, initials(shown)),
        h("div", { class: "incoming-who" },
          h("p", { class: "eyebrow" }, "Incoming call"),
          h("h2", { class: "peer", "data-testid": "incoming-peer" }, shown),
          peer === shown ? null : h("p", { class: "quiet" }, peer),
          this.note),
        h("div", { class: "incoming-buttons" }, this.decline, this.answer)),
    );
    this.show();
  }

  show() {
    const busy = this.phone.talking.some((call) => call.state === "active" && !call.held);
    setText(this.note, busy ? "Answering puts your call on hold." : this.phone.sounds.blocked ? "Click anywhere to hear it ring." : "");
    setText(this.answerWords, this.call.state === "answering" ? "Connecting" : "Answer");
    this.answer.disabled = this.call.state === "answering";
  }
}

customElements.define("tandem-incoming", IncomingView);
