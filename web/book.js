// Whom this page knows by name: the demo's numbers and people. Elsewhere it is empty, and the gateway knows the names.

export class Book {
  #entries = []; // { number, user, title, words, hint }

  // demo: what GET /v1/demo answers; me: the user who is signed in
  learn({ numbers = [], accounts = [] }, me) {
    this.#entries = [
      ...numbers.map((one) => ({ ...one, hint: one.words })),
      ...accounts.map(({ user, extension, display }) => ({
        number: extension || user,
        user,
        title: display || user,
        words: "A person: sign in as them in another window",
        me: user === me,
      })),
    ];
  }

  // Those one would call.
  get others() {
    return this.#entries.filter(({ me }) => !me);
  }

  get empty() {
    return !this.#entries.length;
  }

  nameOf(peer) {
    return this.#find(peer)?.title;
  }

  // What to do when the number has answered.
  hintOf(peer) {
    return this.#find(peer)?.hint ?? "";
  }

  // What to send for what was typed: a title or a user name, in any case, becomes its number; the first words of one title
  // are enough. Anything else goes to the gateway as it is.
  numberFor(typed) {
    const as = typed.trim();
    const wanted = fold(as);
    const whole = this.#entries.find(({ title, user, number }) => [number, user, fold(title)].includes(wanted));
    if (whole) return whole.number;
    const begun = wanted ? this.#entries.filter(({ title }) => fold(title).startsWith(`${wanted} `)) : [];
    return begun.length === 1 ? begun[0].number : as;
  }

  #find(peer) {
    return this.#entries.find(({ number, user }) => number === peer || user === peer);
  }
}

function fold(text) {
  return text.toLowerCase().replace(/\s+/g, " ");
}
