// What to tell a person when something is wrong: what happened, and what to do about it.

import { shortPeer } from "./dom.js";

export function microphoneWords(error) {
  switch (error?.name) {
    case "InsecureContext":
      return {
        title: "This page is not secure enough for a microphone",
        text: "Browsers only give a microphone to pages opened with https:// or on this computer itself. Open the https:// address of this server.",
      };
    case "NotAllowedError":
    case "SecurityError":
      return {
        title: "The microphone is blocked",
        text: "Allow it with the microphone or lock symbol beside the address bar, then call again.",
      };
    case "NotFoundError":
    case "OverconstrainedError":
      return { title: "No microphone found", text: "Plug one in, or choose another in Settings, then call again." };
    case "NotReadableError":
    case "AbortError":
      return {
        title: "The microphone does not answer",
        text: "Another program may be using it. Close that program, then call again.",
      };
    default:
      return { title: "The microphone could not be opened", text: `${error?.message || error}. Check Settings, then try again.` };
  }
}

// The same for the gateway (docs/browser-protocol.md, `report`).
export function microphoneCode(error) {
  if (["InsecureContext", "NotAllowedError", "SecurityError"].includes(error?.name)) return "microphone-denied";
  return ["NotReadableError", "AbortError"].includes(error?.name) ? "microphone-busy" : "microphone-missing";
}

// Why a call came to nothing: the title is about whom one called, the text is mostly the gateway's.
export function endWords({ since, display, peer, end }, me) {
  const who = shortPeer(display);
  const text = end.words;
  if (since !== null) return { title: "The call has ended", text };
  if (me && [me.user, me.extension].includes(peer)) return { title: "This is your own number", text, retry: null };
  if (end.cause === "declined") return { title: `${who} declined`, text };
  if (end.cause === "busy") return { title: `${who} is busy`, text };
  if (end.cause === "no-answer") return { title: `${who} did not answer`, text: "It rang, but nobody picked up. Try again later." };
  return { title: `Could not reach ${who}`, text };
}

export const MEDIA_FAILED = {
  title: "No audio connection",
  text: "The call is up, but no way was found for its sound. A firewall may block UDP: try another network, or ask your administrator for a TURN server.",
};

export const MEDIA_LOST = {
  title: "The audio was interrupted",
  text: "Your network changed or is very weak. Trying to bring the sound back; stay on the line.",
};

export const LISTEN_ONLY = {
  title: "They cannot hear you",
  text: "The call goes on, but the microphone is not available. Allow it beside the address bar, then reload the page.",
};

export const UNREACHABLE = "The server cannot be reached. Check your network, then try again.";

// How good a call sounds, from what one can measure (ITU-T G.107 turned into three words).
export function qualityWord({ loss, jitter, rtt }) {
  const worst = Math.max(grade(loss, 0.02, 0.06), grade(jitter, 0.03, 0.08), grade(rtt, 0.3, 0.6));
  return ["good", "fair", "poor"][worst];
}

function grade(value, fair, poor) {
  return value == null || value < fair ? 0 : value < poor ? 1 : 2;
}

export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${two(Math.floor(s / 60))}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
}
