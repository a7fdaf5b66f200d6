// All calls of this page, and which of them the person is in. Joins the conversation with the gateway to the calls.
//
// Events: "change" (anything a view shows), "toast" (words to say once), "begun" (a call has), "incoming" (it rings).

import { Book } from "./book.js";
import { Call } from "./call.js";
import { History } from "./history.js";
import { endWords, microphoneWords } from "./words.js";

const MEASURE_EVERY = 1000; // ms
const HOPELESS = new Set([400, 403, 404, 410, 484, 604]); // calling again would not help
const NORMAL = new Set(["hung-up", "normal", "cancelled", "answered-elsewhere", "transferred", "merged"]); // ends that need no explanation

// randomUUID is missing where the page is not secure; the call must get as far as the words about the microphone.
function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Phone extends EventTarget {
  calls = new Map();
  current = null; // the Call on stage
  notice = null; // { title, text, retry: number to call again, listen(): without a microphone, of: Call } : why the last call came to nothing
  book = new Book();
  silent = false; // the browser wants a click before it makes sound

  #io;
  #changing = false;

  constructor(connection, microphone, sounds, settings) {
    super();
    Object.assign(this, { connection, sounds, settings });
    this.history = new History();
    const speakers = document.createElement("div");
    speakers.hidden = true;
    document.body.append(speakers);
    this.#io = {
      book: this.book,
      send: (message) => connection.send(message),
      online: () => connection.state === "open",
      iceServers: () => connection.iceServers,
      trickle: () => connection.ice === "full",
      microphone,
      settings,
      speakers,
    };
    connection.addEventListener("change", () => this.#changed());
    connection.addEventListener("welcome", ({ detail }) => this.#welcomed(detail));
    connection.addEventListener("resumed", () => this.#restartAll());
    connection.addEventListener("message", ({ detail }) => this.#receive(detail));
    connection.addEventListener("lost", ({ detail }) => this.#lost(detail.words));
    setInterval(() => this.#measure(), MEASURE_EVERY);
    this.#followNetwork();
  }

  get live() {
    return [...this.calls.values()];
  }

  get incoming() {
    return this.live.filter((call) => call.state === "incoming" || call.state === "answering");
  }

  get talking() {
    return this.live.filter((call) => !["incoming", "answering"].includes(call.state));
  }

  // The directory is known: numbers have names now.
  learn(demo, me) {
    this.book.learn(demo, me);
    this.#changed();
  }

  // -- what the person does

  // listen: without a microphone
  async dial(to, { listen = false } = {}) {
    to = this.book.numberFor(to);
    if (!to || this.connection.state !== "open") return;
    this.notice = null;
    this.#holdOthers(null);
    const call = this.#add({ id: `c-${randomId()}`, direction: "out", peer: to, display: to });
    this.current = call;
    this.#changed();
    try {
      await call.dial(listen);
    } catch (error) {
      const notice = { ...microphoneWords(error), listen: () => this.dial(to, { listen: true }) };
      call.finish({ cause: "microphone", words: notice.text, status: null, notice });
    }
  }

  async answer(call, { listen = false } = {}) {
    this.notice = null;
    this.#holdOthers(call);
    this.current = call;
    this.#changed();
    try {
      await call.answer(listen);
    } catch (error) {
      if (this.current === call) this.current = this.talking[0] ?? null;
      if (call.live) this.#explain({ ...microphoneWords(error), retry: null, listen: () => this.answer(call, { listen: true }), of: call });
    }
  }

  // Puts another call on stage: the one that was there is held.
  switchTo(call) {
    this.#holdOthers(call);
    this.current = call;
    call.hold(false);
    this.#changed();
  }

  // Leaves the stage for the dial pad; the call waits.
  showPad() {
    this.current = null;
    this.#changed();
  }

  press(call, key) {
    call.press(key);
    this.sounds.key(key);
  }

  dismissNotice() {
    this.notice = null;
    this.#changed();
  }

  // After a click: sound is allowed now.
  unmuteBrowser() {
    this.silent = false;
    this.sounds.context.resume().catch(() => {});
    for (const call of this.live) call.audio.play().catch(() => {});
    this.#changed();
  }

  signOut() {
    for (const call of this.live) call.hangup();
    this.connection.bye();
  }

  // -- what the gateway says

  #receive(message) {
    if (message.type === "incoming") return this.#ring(message);
    if (message.type === "advice") return this.#explain({ title: "About your last call", text: message.words, retry: null });
    const call = this.calls.get(message.call);
    if (message.type === "error") return this.#refused(message, call);
    if (!call) return;
    switch (message.type) {
      case "progress":
        return call.progress(message);
      case "answered":
        return call.answered(message);
      case "ended":
        return call.finish({ cause: message.cause, words: message.words, status: message.status ?? null });
      case "offer":
        return call.offered(message.sdp);
      case "offer_answer":
        return call.settle(message.sdp);
      case "candidate":
        return call.candidate(message.candidate);
      case "dtmf":
        return call.pressed(message.key);
      case "held":
        return call.heldBy(message.by, message.on);
      case "transfer":
        return this.#transfer(call, message);
      case "peers":
        return call.peersAre(message.peers);
      case "media":
        return call.mediaIs(message.state);
      case "quality":
        return call.measured(message.stats);
    }
  }

  #transfer(call, message) {
    call.transferIs(message);
    const words = { started: `Calling ${message.to} to take over the call.`, done: "The call was transferred." }[message.state];
    this.dispatchEvent(new CustomEvent("toast", { detail: words ?? `That did not work. ${message.words}` }));
  }

  #ring({ call, from, display, sdp }) {
    this.#add({ id: call, direction: "in", peer: from, display }).ringWith(sdp);
    this.dispatchEvent(new CustomEvent("incoming", { detail: this.calls.get(call) }));
  }

  #refused(message, call) {
    console.warn("refused by the gateway", message);
    if (call && ["no-such-call", "bad-field", "wrong-state"].includes(message.code) && call.state !== "active")
      call.finish({ cause: message.code, words: message.words, status: null });
  }

  // A new session, or an old one after a reload: the gateway's list of calls is the truth.
  #welcomed({ calls }) {
    for (const call of this.live) {
      const known = calls.find((one) => one.call === call.id);
      if (known) call.recover(known);
      else call.finish({ cause: "lost", words: "The call ended while the connection was away.", status: null });
    }
    for (const known of calls.filter((one) => !this.calls.has(one.call))) {
      const call = this.#add({ id: known.call, direction: known.direction, peer: known.peer, display: known.display });
      call.recover(known);
      if (known.state === "active" && (!this.current || this.current.held)) this.current = call;
      else if (known.state !== "incoming") this.current ??= call;
    }
    this.#changed();
  }

  #restartAll() {
    for (const call of this.live) if (call.media === "interrupted") call.reconnect();
  }

  #lost(words) {
    for (const call of this.live) call.finish({ cause: "lost", words, status: null });
  }

  // -- inside

  #add(known) {
    const call = new Call(this.#io, known);
    this.calls.set(call.id, call);
    this.dispatchEvent(new Event("begun"));
    call.addEventListener("change", () => (call.live ? this.#changed() : this.#ended(call)));
    call.addEventListener("silent", () => this.#needsClick());
    call.addEventListener("trouble", ({ detail }) =>
      this.#explain({ title: "The call could not be connected", text: `${detail.message}. Hang up and try again.`, retry: null }),
    );
    return call;
  }

  #ended(call) {
    if (!this.calls.delete(call.id)) return;
    this.history.add(call);
    const { cause, words, notice } = call.end;
    if (this.current === call) this.current = this.talking[0] ?? null;
    if (this.notice?.of === call) this.notice = null;
    const unanswered = call.direction === "in" && call.since === null;
    if (NORMAL.has(cause) || (unanswered && !notice)) this.dispatchEvent(new CustomEvent("toast", { detail: words }));
    else if (notice) this.#explain({ ...notice, retry: call.peer });
    else this.#explain({ retry: HOPELESS.has(call.end.status) ? null : call.peer, ...endWords(call, this.connection.user) });
    this.#changed();
  }

  #explain(notice) {
    this.notice = notice;
    this.#changed();
  }

  #holdOthers(but) {
    for (const call of this.live) if (call !== but) call.hold(true);
  }

  #needsClick() {
    this.silent = true;
    this.#changed();
  }

  #measure() {
    for (const call of this.live) call.measure();
  }

  // A laptop that moved to another network need not wait for silence to notice.
  #followNetwork() {
    const moved = () => {
      for (const call of this.live) if (call.media !== "connected" || call.pc?.iceConnectionState !== "connected") call.restart();
    };
    addEventListener("online", () => setTimeout(moved, 500));
    navigator.connection?.addEventListener?.("change", () => setTimeout(moved, 500));
  }

  #ringNow() {
    const ringing = this.live.some((call) => call.state === "incoming");
    this.sounds.ring(!ringing ? null : this.talking.some((call) => call.state === "active") ? "waiting" : "ring");
  }

  // Many things may change at once: views are told once.
  #changed() {
    if (this.#changing) return;
    this.#changing = true;
    queueMicrotask(() => {
      this.#changing = false;
      for (const call of this.talking) call.front(!this.current || call === this.current);
      this.#ringNow();
      this.dispatchEvent(new Event("change"));
    });
  }
}
