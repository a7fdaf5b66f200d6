// Making elements, and nothing else. Text always goes in as text: no markup is ever parsed from a string.

import { iconHref } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";

// h("button", { class: "primary", type: "button", on: { click } }, "Call")
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value == null || value === false) continue;
    if (name === "on") for (const [type, handler] of Object.entries(value)) node.addEventListener(type, handler);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", iconHref(name));
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

export function setIcon(node, name) {
  const href = iconHref(name);
  const use = node.querySelector("use");
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}

// Only touches the document when something changes, so that a screen reader says it once.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

// A view builds its elements once and then keeps them true to the state it is shown.
export class View extends HTMLElement {
  connectedCallback() {
    if (this.built) return;
    this.built = true;
    this.build();
  }

  build() {}
}

export function initials(name) {
  const words = name.replace(/^sips?:/, "").split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  if (!words.length) return "?";
  if (/^\d+$/.test(words[0])) return words[0].slice(0, 3);
  return words.length > 1 ? words[0][0] + words[1][0] : words[0].slice(0, 2);
}

// "sip:bob@example.com" is shown as "bob".
export function shortPeer(peer) {
  const found = /^sips?:([^@;]+)@/.exec(peer);
  return found ? found[1] : peer;
}
