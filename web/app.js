// The page's beginning: makes the parts, joins them, and shows either the sign-in or the phone.
//
// `window.tandem` is for tests and the console: { phone, connection, settings, sounds, state() }; see docs/browser-protocol.md.

import { Connection } from "./connection.js";
import { Desktop } from "./desktop.js";
import { View, h } from "./dom.js";
import { loadIcons } from "./icons.js";
import { Microphone } from "./microphone.js";
import { Phone } from "./phone.js";
import { SessionStore } from "./session_store.js";
import { Settings } from "./settings.js";
import { Sounds } from "./sound.js";
import "./views/phone_view.js";
import "./views/sign_in.js";
import "./views/toasts.js";

class App extends View {
  build() {
    loadIcons();
    this.settings = new Settings();
    this.store = new SessionStore();
    this.sounds = new Sounds();
    this.demo = fetch("v1/demo").then((reply) => reply.json()).catch(() => ({ demo: false }));
    this.toasts = h("tandem-toasts");
    this.stage = h("div", { class: "app" });
    this.append(this.stage, this.toasts);
    if (this.store.kept.token || this.store.kept.session) this.#open();
    else this.#signIn("");
  }

  #signIn(words) {
    const view = h("tandem-sign-in");
    Object.assign(view, { settings: this.settings, demo: this.demo, words });
    view.addEventListener("signed-in", ({ detail }) => {
      this.store.save(detail);
      this.settings.set("lastUser", detail.user);
      this.sounds.context.resume().catch(() => {}); // the click that signed in also allows the ring to sound
      this.#open();
    });
    this.stage.replaceChildren(view);
    window.tandem = { phone: null, connection: null, settings: this.settings, sounds: this.sounds, state: () => ({ view: "sign-in" }) };
  }

  #open() {
    const connection = new Connection(this.store);
    const phone = new Phone(connection, new Microphone(this.settings), this.sounds, this.settings);
    const view = h("tandem-phone");
    const desktop = new Desktop(this.settings);
    Object.assign(view, { phone, desktop, demo: this.demo, user: this.store.kept.user ?? "" });
    phone.addEventListener("toast", ({ detail }) => this.toasts.say(detail));
    phone.addEventListener("begun", () => this.toasts.clear());
    phone.addEventListener("incoming", ({ detail }) => desktop.ring(detail));
    phone.addEventListener("change", () => desktop.tidy());
    connection.addEventListener("refused", ({ detail }) => this.#signIn(detail.words));
    view.addEventListener("sign-out", () => {
      phone.signOut();
      this.#signIn("");
    });
    this.stage.replaceChildren(view);
    window.tandem = { phone, connection, settings: this.settings, sounds: this.sounds, state: () => describe(phone) };
    connection.start();
  }
}

function describe(phone) {
  return {
    view: "phone",
    connection: phone.connection.state,
    current: phone.current?.id ?? null,
    calls: phone.live.map(({ id, direction, peer, state, media, muted, held, peerHeld, heardDigits, quality, gatewayQuality }) => {
      return { id, direction, peer, state, media, muted, held, peerHeld, heardDigits, quality, gatewayQuality };
    }),
  };
}

customElements.define("tandem-app", App);
