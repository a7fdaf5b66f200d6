// The icons, fetched once and put into the document: `<use href="icons.svg#...">` would fetch them again for each new one,
// and leave it blank while the server is away.

const AGAIN = 3000; // ms

export const iconHref = (name) => `#icon-${name}`;

export async function loadIcons() {
  try {
    const reply = await fetch("icons.svg");
    if (!reply.ok) throw new Error(`icons.svg: ${reply.status}`);
    const sprite = new DOMParser().parseFromString(await reply.text(), "image/svg+xml").documentElement;
    for (const symbol of sprite.querySelectorAll("symbol")) symbol.id = `icon-${symbol.id}`; // ids of their own in the page
    sprite.setAttribute("hidden", "");
    sprite.setAttribute("aria-hidden", "true");
    document.body.append(document.adoptNode(sprite));
  } catch {
    setTimeout(loadIcons, AGAIN);
  }
}
