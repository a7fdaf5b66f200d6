// The conversation with the gateway (docs/browser-protocol.md): one session, over as many sockets as it takes.
//
// Every message that matters is numbered and kept until the other side has it, so a dropped socket loses nothing: what was
// said meanwhile follows on the next one. Events: "change" (state), "welcome", "resumed", "message", "lost", "refused".

const PROTOCOL = 1;
const DELAYS = [0.2, 1, 2, 3, 5, 5, 5, 10];
const UNNUMBERED = new Set(["hello", "resume", "ping", "pong", "refresh", "bye"]);

export class Connection extends EventTarget {
  state = "idle"; // idle, connecting, open, waiting (for the next try), replaced, closed
  retryAt = 0; // while waiting: when the next try is, performance.now()
  why = ""; // while waiting: words
  code = 0; // of the last close
  user = null; // { user, display, extension }
  ice = "lite";
  iceServers = [];

  #store;
  #socket = null;
  #fresh = true; // this page knows nothing of the session yet
  #sent = 0;
  #heard = 0;
  #outbox = [];
  #attempt = 0;
  #timers = { retry: 0, beat: 0, refresh: 0 };
  #life = 0;
  #beat = 5;
  #deadAfter = 12;
  #lastError = null;
  #retryAfter = null;

  constructor(store) {
    super();
    this.#store = store;
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.retryNow());
  }

  // Resumes what this tab had before a reload, else signs in with the token.
  async start() {
    const { session } = this.#store.kept;
    this.#set("connecting");
    if (session && !(await this.#store.claim(session))) this.#store.forgetSession();
    this.#scheduleRefresh();
    this.#connect();
  }

  send(message) {
    if (UNNUMBERED.has(message.type)) return this.#write(message);
    const numbered = { ...message, seq: ++this.#sent };
    this.#outbox.push(numbered);
    if (this.state === "open") this.#write(numbered);
  }

  // Ends the session for good.
  bye() {
    this.#write({ type: "bye" });
    this.#close();
    this.#store.clear();
  }

  retryNow() {
    if (this.state === "waiting") this.#connect();
  }

  // The present socket: for tests and the console.
  get socket() {
    return this.#socket;
  }

  // Takes a session back that went on in another window.
  takeOver() {
    this.#fresh = true;
    this.#connect();
  }

  // -- sockets

  #connect() {
    clearTimeout(this.#timers.retry);
    this.#set("connecting");
    this.#lastError = this.#retryAfter = null;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/ws`);
    this.#socket = socket;
    this.#life = performance.now();
    this.#startBeat();
    socket.addEventListener("open", () => this.#greet());
    socket.addEventListener("message", ({ data }) => socket === this.#socket && this.#receive(JSON.parse(data)));
    socket.addEventListener("close", ({ code, reason }) => socket === this.#socket && this.#closed(code, reason));
  }

  #greet() {
    const { session, resume, token } = this.#store.kept;
    if (session) this.#write({ type: "resume", version: PROTOCOL, session, resume, ack: this.#fresh ? 0 : this.#heard, reloaded: this.#fresh });
    else this.#write({ type: "hello", version: PROTOCOL, token: token || "none" });
  }

  #write(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #closed(code, reason) {
    this.#socket = null;
    this.code = code;
    clearInterval(this.#timers.beat);
    if (this.state === "closed") return;
    const words = this.#lastError?.words || reason;
    switch (code) {
      case 4401: // token invalid
      case 4402: // token expired
      case 4406: // another version of the protocol
      case 4430: // too many windows
        this.#store.clear();
        this.#close();
        return this.#emit("refused", { code: this.#lastError?.code, words });
      case 4409:
        return this.#set("replaced");
      case 4403:
      case 4404:
        this.#lose(words);
        return this.#connect();
      case 4503:
        this.#lose(words);
        return this.#wait(this.#retryAfter ?? 5, words);
      default:
        return this.#wait(DELAYS[Math.min(this.#attempt++, DELAYS.length - 1)], "The connection to the server was lost.");
    }
  }

  #wait(seconds, why) {
    const delay = seconds * (0.8 + Math.random() * 0.4) * 1000;
    this.why = why;
    this.retryAt = performance.now() + delay;
    this.#timers.retry = setTimeout(() => this.#connect(), delay);
    this.#set("waiting");
  }

  #lose(words) {
    this.#store.forgetSession();
    this.#fresh = true;
    this.#outbox = [];
    this.#emit("lost", { words });
  }

  #close() {
    clearTimeout(this.#timers.retry);
    clearInterval(this.#timers.beat);
    clearTimeout(this.#timers.refresh);
    const socket = this.#socket;
    this.#socket = null;
    this.#set("closed");
    socket?.close(1000);
  }

  // -- life: the server pings and so do we; silence means that the socket is dead, whatever the system thinks

  #startBeat() {
    clearInterval(this.#timers.beat);
    this.#timers.beat = setInterval(() => {
      if (performance.now() - this.#life > this.#deadAfter * 1000) {
        const socket = this.#socket;
        this.#closed(1006, "");
        socket?.close();
      } else if (this.state === "open") this.#write({ type: "ping", ack: this.#heard });
    }, this.#beat * 1000);
  }

  #scheduleRefresh(seconds) {
    clearTimeout(this.#timers.refresh);
    const { expiresAt } = this.#store.kept;
    const left = seconds ?? (expiresAt ? (expiresAt - Date.now()) / 1000 : 300);
    this.#timers.refresh = setTimeout(() => {
      this.send({ type: "refresh" });
      this.#scheduleRefresh(30);
    }, Math.max(5, left * 0.6) * 1000);
  }

  // -- messages

  #receive(message) {
    this.#life = performance.now();
    switch (message.type) {
      case "welcome":
        return this.#welcomed(message);
      case "resumed":
        this.iceServers = message.ice_servers;
        this.#acknowledged(message.ack);
        this.#open();
        for (const kept of this.#outbox) this.#write(kept);
        return this.#emit("resumed");
      case "ping":
        this.#acknowledged(message.ack);
        return this.#write({ type: "pong", ack: this.#heard });
      case "pong":
        return this.#acknowledged(message.ack);
      case "token":
        this.iceServers = message.ice_servers;
        this.#store.save({ token: message.token, expiresAt: Date.now() + message.expires_in * 1000 });
        return this.#scheduleRefresh();
      case "goodbye":
        this.#lastError = message;
        this.#retryAfter = message.retry_after;
        return;
      case "error":
        return this.#failed(message);
    }
    if (message.seq) {
      if (message.seq <= this.#heard) return;
      this.#heard = message.seq;
    }
    this.#emit("message", message);
  }

  async #welcomed(message) {
    const restored = message.session === this.#store.kept.session;
    this.#fresh = false;
    this.#sent = this.#heard = 0;
    this.#outbox = [];
    this.#beat = message.heartbeat;
    this.#deadAfter = message.dead_after;
    this.ice = message.ice;
    this.iceServers = message.ice_servers;
    this.user = { user: message.user, display: message.display, extension: message.extension ?? null };
    this.#store.save({ session: message.session, resume: message.resume });
    if (!restored) this.#store.claim(message.session);
    this.#startBeat();
    this.#open();
    this.#emit("welcome", { calls: message.calls, restored });
  }

  #failed(message) {
    this.#lastError = message;
    if (message.code === "resume-gap") {
      this.#fresh = true;
      this.#greet();
    } else if (this.state === "open") this.#emit("message", message);
  }

  #acknowledged(ack) {
    this.#outbox = this.#outbox.filter(({ seq }) => seq > ack);
  }

  #open() {
    this.#attempt = 0;
    this.#set("open");
  }

  #set(state) {
    this.state = state;
    this.#emit("change");
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
