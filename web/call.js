// One call: its peer connection and what is known of it. Offers leave at once, before any candidate is gathered.
//
// The peer connection may be replaced while the call lives (a reload, a network that did not come back): the gateway slides
// the new one in behind the same leg, and the far end hears nothing of it.

import { QualityReader } from "./quality.js";

const PATIENCE = 3000; // ms of "disconnected" before ICE is restarted
const LAST_RESORT = 8000; // ms after which a new peer connection is tried

export const HEARD_SHOWN = 10_000; // ms: what they pressed is news only for a while

export class Call extends EventTarget {
  state = "new"; // calling, ringing, incoming, answering, active, ended
  since = null; // performance.now() of the answer
  muted = false;
  held = false;
  peerHeld = false;
  transferring = ""; // to whom one's place is being given
  peers = null; // [{ leg, number, display, state }] once there are, or were, others than the one peer
  listenOnly = false; // no microphone
  media = "new"; // new, connecting, connected, interrupted, failed
  early = false; // the far end, or ringback, can already be heard
  sentDigits = "";
  heardDigits = "";
  heardAt = 0; // performance.now() of the last of them
  quality = null; // what this page measures
  gatewayQuality = null; // what the gateway says
  end = null; // { cause, words, status }

  #io;
  #pc = null;
  #track = null;
  #chain = Promise.resolve();
  #candidates = null; // trickled before the description has left
  #everConnected = false;
  #watch = 0;
  #reader = new QualityReader();
  #offer = null;
  #inFront = true;
  #mayListen = false; // the person chose to go without a microphone
  #owed = 0; // answers that have not come yet: only the last one fits the present offer
  #display;

  // io: { book, online(), send, iceServers(), trickle(), microphone, settings, speakers }
  constructor(io, known) {
    super();
    this.#io = io;
    Object.assign(this, { id: known.id, direction: known.direction, peer: known.peer });
    this.#display = known.display || known.peer;
    this.audio = document.createElement("audio");
    this.audio.autoplay = true;
    this.audio.dataset.call = this.id;
    io.speakers.append(this.audio);
  }

  // A number of the directory's goes by its name there; other names are the gateway's.
  get display() {
    if (this.peers?.length) return this.peers.map(({ number, display }) => (display === number && this.#io.book.nameOf(number)) || display).join(", ");
    return (this.#display === this.peer && this.#io.book.nameOf(this.peer)) || this.#display;
  }

  // What to do in this call, where the directory says so.
  get hint() {
    return this.direction === "out" ? this.#io.book.hintOf(this.peer) : "";
  }

  get live() {
    return this.state !== "ended";
  }

  get pc() {
    return this.#pc;
  }

  get microphoneStream() {
    return this.#track ? new MediaStream([this.#track]) : null;
  }

  // -- what the person does

  // Throws what the microphone throws.
  async dial(listen) {
    await this.#openMicrophone(listen);
    if (!this.live) return this.#letGo(); // hung up while the browser was still asking for the microphone
    this.#set({ state: "calling" });
    await this.#sendOffer((sdp) => ({ type: "call", call: this.id, to: this.peer, sdp }));
  }

  ringWith(sdp) {
    this.#offer = sdp;
    this.#set({ state: "incoming" });
  }

  // Throws what the microphone throws; the call rings on then.
  async answer(listen) {
    if (this.state !== "incoming") return;
    this.#set({ state: "answering" });
    try {
      await this.#openMicrophone(listen);
    } catch (error) {
      if (this.live) this.#set({ state: "incoming" });
      throw error;
    }
    if (!this.live) return this.#letGo();
    await this.#do(async () => {
      const pc = this.#connect();
      await pc.setRemoteDescription({ type: "offer", sdp: this.#offer });
      await this.#describe(pc, "answer");
      this.#io.send({ type: "answer", call: this.id, sdp: pc.localDescription.sdp });
      this.#flush();
      this.#set({ state: "active", since: performance.now() });
    });
  }

  hangup() {
    if (!this.live) return;
    if (this.state !== "new") this.#io.send({ type: this.state === "incoming" ? "decline" : "hangup", call: this.id });
    this.finish({ cause: "hung-up", words: "You ended the call.", status: null });
  }

  decline(busy) {
    if (this.state !== "incoming") return;
    this.#io.send({ type: "decline", call: this.id, busy });
    this.finish({ cause: "declined", words: "You declined the call.", status: null });
  }

  mute(on) {
    this.#set({ muted: on });
    this.#io.send({ type: "mute", call: this.id, on });
    this.#gate();
  }

  // The gateway confirms with `held`; until then the page already keeps still.
  hold(on) {
    if (this.state !== "active" || this.held === on) return;
    this.#set({ held: on });
    this.#io.send({ type: "hold", call: this.id, on });
    this.#gate();
  }

  // A call that is not on stage is neither heard nor does it hear, even while it cannot be held yet.
  front(on) {
    if (this.#inFront === on) return;
    this.#inFront = on;
    this.#gate();
  }

  // What only the gateway can do: "transfer" and "add" { to }, "connect" and "join" { other }.
  wish(type, fields) {
    if (this.state === "active") this.#io.send({ type, call: this.id, ...fields });
  }

  press(key) {
    if (!["active", "calling", "ringing"].includes(this.state)) return;
    this.#set({ sentDigits: (this.sentDigits + key).slice(-64) });
    this.#io.send({ type: "digits", call: this.id, digits: key });
  }

  // -- what the gateway says

  progress({ status, sdp }) {
    if (["calling", "ringing"].includes(this.state)) this.#set({ state: status === "trying" ? this.state : "ringing", early: this.early || Boolean(sdp) });
    if (sdp) this.#settle(sdp);
  }

  answered({ sdp }) {
    if (sdp) this.#settle(sdp);
    if (["calling", "ringing", "answering"].includes(this.state)) this.#set({ state: "active", since: performance.now() });
  }

  offered(sdp) {
    this.#do(async () => {
      if (!this.#pc || this.#pc.signalingState !== "stable") return; // both offered at once: ours wins
      await this.#pc.setRemoteDescription({ type: "offer", sdp });
      await this.#describe(this.#pc, "answer");
      this.#io.send({ type: "offer_answer", call: this.id, sdp: this.#pc.localDescription.sdp });
    });
  }

  settle(sdp) {
    this.#settle(sdp);
  }

  candidate(line) {
    this.#do(async () => {
      if (this.#pc?.remoteDescription) await this.#pc.addIceCandidate(line === null ? null : { candidate: line, sdpMLineIndex: 0 });
    });
  }

  heldBy(by, on) {
    this.#set(by === "me" ? { held: on } : { peerHeld: on });
    this.#gate();
  }

  pressed(key) {
    const before = performance.now() - this.heardAt < HEARD_SHOWN ? this.heardDigits : "";
    this.#set({ heardDigits: (before + key).slice(-64), heardAt: performance.now() });
  }

  transferIs({ state, to }) {
    this.#set({ transferring: state === "started" ? to : "" });
  }

  peersAre(peers) {
    this.#set({ peers });
  }

  measured(stats) {
    this.#set({ gatewayQuality: stats });
  }

  finish(end) {
    if (!this.live) return;
    this.#set({ state: "ended", end });
    this.#letGo();
    this.audio.srcObject = null;
    this.audio.remove();
  }

  // -- after a reload, or when the network took the old peer connection for good

  async recover(known) {
    if (known) {
      this.#owed = 0;
      this.#set({ state: known.state, muted: known.muted, held: known.held, peerHeld: known.peer_held });
      if (known.since !== null) this.since = performance.now() - known.since * 1000;
      if (known.state === "incoming") return this.ringWith(known.sdp);
    }
    try {
      if (!this.#track) await this.#openMicrophone(this.#mayListen);
    } catch {
      this.#set({ listenOnly: true }); // better to hear than to lose the call
    }
    if (!this.live) return this.#letGo();
    await this.#sendOffer((sdp) => ({ type: "offer", call: this.id, sdp }));
  }

  // A new way for the same peer connection (RFC 8445 9): the network changed.
  restart() {
    if (!this.#everConnected || !this.live || !this.#io.online() || this.#pc?.signalingState !== "stable") return;
    this.#do(async () => {
      this.#pc.restartIce();
      this.#hold();
      await this.#describe(this.#pc, "offer");
      this.#owed += 1;
      this.#io.send({ type: "offer", call: this.id, sdp: this.#pc.localDescription.sdp });
      this.#flush();
    });
  }

  // The sound is gone: first a new way for it, then a new peer connection.
  reconnect() {
    clearTimeout(this.#watch);
    if (!this.#io.online()) return; // when the gateway can be heard again, it is tried again
    this.restart();
    this.#watch = setTimeout(() => this.live && this.media === "interrupted" && this.#io.online() && this.recover(), LAST_RESORT);
  }

  // What the gateway sees of it. It gives up on an offer by "failed": that answer will not come.
  mediaIs(state) {
    if (state !== "failed") return;
    this.#owed = Math.max(0, this.#owed - 1);
    if (!this.#everConnected) this.#set({ media: "failed" });
  }

  async measure() {
    if (!this.#pc || this.#pc.connectionState !== "connected") return;
    const quality = await this.#reader.read(this.#pc).catch(() => null);
    if (quality && this.live) this.#set({ quality });
  }

  // -- inside

  async #openMicrophone(listen) {
    this.#mayListen = listen;
    if (!listen) this.#track = await this.#io.microphone.take();
    this.#set({ listenOnly: listen });
  }

  #connect() {
    this.#dropPeer();
    const pc = new RTCPeerConnection({ iceServers: this.#io.iceServers(), bundlePolicy: "max-bundle" });
    this.#pc = pc;
    this.#hold();
    this.#gate();
    if (this.#track) pc.addTrack(this.#track, new MediaStream([this.#track]));
    pc.addEventListener("track", ({ track, streams }) => {
      this.audio.srcObject = streams[0] ?? new MediaStream([track]);
      this.#play();
    });
    pc.addEventListener("icecandidate", ({ candidate }) => pc === this.#pc && this.#trickle(candidate?.candidate || null));
    pc.addEventListener("connectionstatechange", () => pc === this.#pc && this.#moved(pc.connectionState));
    this.#set({ media: "connecting" });
    return pc;
  }

  #sendOffer(message) {
    return this.#do(async () => {
      const pc = this.#connect();
      if (!this.#track) pc.addTransceiver("audio", { direction: "recvonly" });
      await this.#describe(pc, "offer");
      this.#owed += 1;
      this.#io.send(message(pc.localDescription.sdp));
      this.#flush();
    });
  }

  async #describe(pc, type) {
    await pc.setLocalDescription(type === "offer" ? await pc.createOffer() : await pc.createAnswer());
  }

  #settle(sdp) {
    this.#do(async () => {
      this.#owed = Math.max(0, this.#owed - 1);
      if (this.#owed > 0) return;
      if (this.#pc?.signalingState === "have-local-offer") await this.#pc.setRemoteDescription({ type: "answer", sdp });
    });
  }

  // One step of negotiation at a time; a step that fails is told, and the call goes on if it can.
  #do(step) {
    this.#chain = this.#chain.then(async () => {
      if (!this.live) return;
      try {
        await step();
      } catch (error) {
        if (!this.live) return;
        console.warn("negotiation failed", error);
        this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
      }
    });
    return this.#chain;
  }

  #hold() {
    this.#candidates = [];
  }

  #trickle(line) {
    if (!this.#io.trickle()) return;
    if (this.#candidates) this.#candidates.push(line);
    else this.#io.send({ type: "candidate", call: this.id, candidate: line });
  }

  #flush() {
    const waiting = this.#candidates ?? [];
    this.#candidates = null;
    for (const line of waiting) this.#trickle(line);
  }

  #moved(state) {
    clearTimeout(this.#watch);
    if (state === "connected") {
      this.#everConnected = true;
      this.#set({ media: "connected" });
    } else if (state === "disconnected") {
      this.#watch = setTimeout(() => this.#interrupted(), PATIENCE);
    } else if (state === "failed") this.#interrupted();
  }

  #interrupted() {
    if (!this.#everConnected) return this.#set({ media: "failed" });
    this.#set({ media: "interrupted" });
    this.reconnect();
  }

  #gate() {
    const open = this.#inFront && !this.held;
    if (this.#track) this.#track.enabled = open && !this.muted;
    this.audio.muted = !open;
  }

  #play() {
    const speaker = this.#io.settings.get("speaker");
    if (speaker && this.audio.setSinkId) this.audio.setSinkId(speaker).catch(() => {});
    this.audio.play().catch((error) => error.name === "NotAllowedError" && this.dispatchEvent(new Event("silent")));
  }

  #letGo() {
    clearTimeout(this.#watch);
    this.#dropPeer();
    if (this.#track) this.#io.microphone.give(this.#track);
    this.#track = null;
  }

  #dropPeer() {
    const pc = this.#pc;
    this.#pc = null;
    pc?.close();
  }

  #set(patch) {
    Object.assign(this, patch);
    this.dispatchEvent(new Event("change"));
  }
}
