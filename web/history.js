// The last calls, kept on this machine for this user.

const LENGTH = 12;

export class History {
  user = "";
  entries = [];

  open(user) {
    this.user = user;
    try {
      this.entries = JSON.parse(localStorage.getItem(this.#key)) ?? [];
    } catch {
      this.entries = [];
    }
  }

  add(call) {
    const missed = call.direction === "in" && call.since === null && call.end.cause !== "declined";
    const seconds = call.since === null ? null : Math.round((performance.now() - call.since) / 1000);
    const entry = { peer: call.peer, display: call.display, direction: call.direction, missed, seconds, cause: call.end.cause, at: Date.now() };
    this.entries = [entry, ...this.entries].slice(0, LENGTH);
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.entries));
    } catch {
      // a browser that keeps nothing
    }
  }

  get #key() {
    return `tandem.history.${this.user}`;
  }
}
