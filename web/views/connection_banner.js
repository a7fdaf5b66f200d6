// Told when the server cannot be heard: what happened, what happens next, when.

import { View, h, icon, setHidden, setText } from "../dom.js";

class ConnectionBanner extends View {
  build() {
    this.words = h("span", { class: "grow", "data-testid": "connection-words" });
    this.count = h("span", { "data-testid": "countdown", "aria-hidden": "true" });
    this.button = h("button", { class: "small", type: "button", "data-testid": "retry", on: { click: () => this.#act() } });
    this.banner = h("div", { class: "banner", role: "status", "data-testid": "banner", hidden: true }, icon("warn"), this.words, this.count, this.button);
    this.append(this.banner);
    this.connection.addEventListener("change", () => this.#show());
    this.phone.addEventListener("change", () => this.#show());
    this.ticking = setInterval(() => this.#tick(), 250);
    this.#show();
  }

  disconnectedCallback() {
    clearInterval(this.ticking);
  }

  #act() {
    if (this.connection.state === "replaced") this.connection.takeOver();
    else this.connection.retryNow();
  }

  #show() {
    const { state, why } = this.connection;
    clearTimeout(this.later);
    if (state === "connecting" && this.banner.hidden) {
      this.later = setTimeout(() => this.#paint("Connecting to the server …", ""), 800); // quick ones need no words
    } else if (state === "connecting") this.#paint("Connecting to the server …", "");
    else if (state === "waiting") this.#paint(this.#goOn() ? `${why} Your calls go on; reconnecting` : `${why} Reconnecting`, "Now");
    else if (state === "replaced") this.#paint("This phone is in use in another window.", "Use it here");
    else setHidden(this.banner, true);
    this.#tick();
  }

  #goOn() {
    return this.phone.live.length > 0 && this.connection.code !== 4503;
  }

  #paint(words, button) {
    setText(this.words, words);
    setText(this.button, button);
    setHidden(this.button, !button);
    setHidden(this.banner, false);
  }

  #tick() {
    const { state, retryAt } = this.connection;
    const seconds = Math.max(0, Math.ceil((retryAt - performance.now()) / 1000));
    setText(this.count, state === "waiting" ? `in ${seconds} s` : "");
  }
}

customElements.define("tandem-connection-banner", ConnectionBanner);
