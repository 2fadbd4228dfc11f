// The account's menu at the foot of the chat.
import { el } from "./bubbles.js";

function leaf(button, tapped) {
  const node = el("button", { type: "button", text: button.name, "data-type": button.type, "data-key": button.key, "data-url": button.url });
  node.addEventListener("click", async () => {
    if (node.disabled) return;
    node.disabled = true;
    closeAll(node.closest("#menu"));
    try { await tapped(button); } finally { node.disabled = false; }
  });
  return node;
}

function closeAll(menu) {
  for (const list of menu.querySelectorAll(".below")) list.hidden = true;
  for (const parent of menu.querySelectorAll("[aria-haspopup]")) parent.setAttribute("aria-expanded", "false");
}

function branch(button, tapped) {
  const list = el("div", { cls: "below", hidden: true }, ...button.sub_button.map((one) => leaf(one, tapped)));
  const parent = el("button", { type: "button", text: button.name, "aria-haspopup": "true", "aria-expanded": "false" });
  parent.addEventListener("click", () => {
    const open = list.hidden;
    closeAll(parent.closest("#menu"));
    list.hidden = !open;
    parent.setAttribute("aria-expanded", open);
    if (open) list.querySelector("button").focus({ focusVisible: false });
  });
  return el("div", {}, list, parent);
}

export function accountMenu(menu, buttons, tapped) {
  const shown = JSON.stringify(buttons);
  if (menu.dataset.shown === shown) return;
  menu.dataset.shown = shown;
  menu.replaceChildren(...buttons.map((one) => (one.sub_button?.length ? branch(one, tapped) : el("div", {}, leaf(one, tapped)))));
  if (menu.dataset.ready) return;
  menu.dataset.ready = "1";
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) closeAll(menu); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeAll(menu); });
}
