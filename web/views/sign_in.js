// Who are you? User name, password, and in the demo a choice of people to be.

import { View, h, icon, setHidden, setText } from "../dom.js";
import { UNREACHABLE, microphoneWords } from "../words.js";

class SignIn extends View {
  build() {
    const name = new URLSearchParams(location.search).get("user") ?? this.settings.get("lastUser");
    this.user = field("text", "user", "username", name);
    this.password = field("password", "password", "current-password", "");
    this.problem = h("p", { class: "form-problem", role: "alert", "data-testid": "sign-in-error" });
    this.button = h("button", { class: "primary wide", type: "submit", "data-testid": "sign-in" }, "Sign in");
    this.people = h("section", { class: "demo-people", "aria-labelledby": "demo-title", hidden: true });
    this.append(
      h("main", { class: "sign-in" },
        h("div", { class: "card sign-in-card" },
          h("div", { class: "brand big" }, h("img", { src: "icon.svg", alt: "", width: 44, height: 44 }), h("h1", {}, "Tandem")),
          h("p", { class: "quiet lead" }, "Telephone from your browser."),
          window.isSecureContext ? null : insecure(),
          h("form", { on: { submit: (event) => this.#submit(event) } },
            h("label", { for: "user" }, "User name"), this.user,
            h("label", { for: "password" }, "Password"), this.password,
            this.problem, this.button),
          this.people)),
    );
    this.#show(this.words);
    (name ? this.password : this.user).focus();
    this.demo.then((demo) => this.#offerPeople(demo));
  }

  #show(words) {
    setText(this.problem, words ?? "");
    setHidden(this.problem, !words);
  }

  #offerPeople(demo) {
    if (!demo.demo || !demo.accounts?.length) return;
    const wanted = demo.accounts.find((account) => account.user === this.user.value);
    if (wanted && !this.password.value) this.#fill(wanted);
    this.people.append(
      h("h2", { id: "demo-title" }, demo.accounts[0].password ? "This is the demo. Be anyone:" : "This is the demo. Passwords are in its terminal:"),
      h("div", { class: "chips" }, demo.accounts.map((account) =>
        h("button", { class: "chip", type: "button", "data-testid": `demo-${account.user}`, on: { click: () => { this.#show(""); this.#fill(account); (account.password ? this.button : this.password).focus(); } } },
          account.display || account.user, account.extension ? h("span", { class: "quiet" }, account.extension) : null))),
    );
    setHidden(this.people, false);
  }

  #fill({ user, password }) {
    this.user.value = user;
    this.password.value = password ?? "";
  }

  async #submit(event) {
    event.preventDefault();
    const user = this.user.value.trim();
    if (!user) return this.#fail(this.user, "Enter your user name.");
    if (!this.password.value) return this.#fail(this.password, "Enter your password.");
    this.button.disabled = true;
    this.#show("");
    try {
      const headers = { "Content-Type": "application/json" };
      const reply = await fetch("v1/login", { method: "POST", headers, body: JSON.stringify({ user, password: this.password.value }) });
      const body = await reply.json();
      if (!reply.ok) return this.#fail(this.password, body.words);
      const detail = { token: body.token, expiresAt: Date.now() + body.expires_in * 1000, user: body.user };
      this.dispatchEvent(new CustomEvent("signed-in", { detail }));
    } catch {
      this.#fail(this.button, UNREACHABLE);
    } finally {
      this.button.disabled = false;
    }
  }

  #fail(where, words) {
    this.#show(words);
    where.focus();
    where.select?.();
  }
}

function field(type, id, autocomplete, value) {
  return h("input", { type, id, name: id, autocomplete, value, autocapitalize: "none", spellcheck: "false", "data-testid": id });
}

function insecure() {
  const { title, text } = microphoneWords({ name: "InsecureContext" });
  return h("div", { class: "notice warn", role: "alert", "data-testid": "insecure" }, icon("warn"), h("div", {}, h("strong", {}, title), h("p", {}, text)));
}

customElements.define("tandem-sign-in", SignIn);
