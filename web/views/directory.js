// Whom one can call: the demo's numbers, and the last calls.

import { View, h, icon, setHidden, shortPeer } from "../dom.js";
import { duration } from "../words.js";

class Directory extends View {
  build() {
    this.numbers = h("ul", { class: "entries" });
    this.recent = h("ul", { class: "entries" });
    this.numbersSection = h("section", { "aria-labelledby": "numbers-title", hidden: true }, h("h2", { id: "numbers-title" }, "Numbers to try"), this.numbers);
    this.recentSection = h("section", { "aria-labelledby": "recent-title" }, h("h2", { id: "recent-title" }, "Recent"), this.recent);
    this.append(this.numbersSection, this.recentSection);
    this.demo.then((demo) => this.#showNumbers(demo));
    this.phone.addEventListener("change", () => this.#showRecent());
    this.#showRecent();
  }

  #showNumbers(demo) {
    if (!demo.demo) return;
    this.phone.learn(demo, this.user);
    const numbers = this.phone.book.others;
    if (!numbers.length) return;
    this.numbers.replaceChildren(...numbers.map((one) => this.#entry(one.number, h("span", { class: "pill" }, one.number), one.title, one.words, `dial-${one.number}`)));
    setHidden(this.numbersSection, false);
  }

  #showRecent() {
    const { entries } = this.phone.history;
    const key = entries.length ? `${entries.length}${entries[0].at}` : "";
    if (key === this.key) return;
    this.key = key;
    this.recent.replaceChildren(
      ...(entries.length
        ? entries.map((entry) => {
            const sign = h("span", { class: entry.missed ? "pill missed" : "pill" }, icon(entry.missed ? "missed" : entry.direction));
            return this.#entry(entry.peer, sign, shortPeer(entry.display), `${how(entry)}, ${when(entry.at)}`, "recent");
          })
        : [h("li", { class: "quiet empty" }, "Your calls will be listed here.")]),
    );
  }

  #entry(number, sign, title, words, testid) {
    return h("li", {}, h("button", { class: "entry", type: "button", "aria-label": `Call ${title}. ${words ?? ""}`, "data-testid": testid, on: { click: () => this.phone.dial(number) } },
      sign, h("span", { class: "grow" }, h("span", { class: "entry-title" }, title), h("span", { class: "quiet" }, words ?? "")), icon("call")));
  }
}

function how(entry) {
  if (entry.missed) return "Missed";
  if (entry.cause === "microphone") return "No microphone";
  if (entry.seconds === null) return entry.direction === "out" ? "Not reached" : "Declined";
  return `${entry.direction === "out" ? "Outgoing" : "Incoming"}, ${duration(entry.seconds)}`;
}

function when(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], today ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

customElements.define("tandem-directory", Directory);
