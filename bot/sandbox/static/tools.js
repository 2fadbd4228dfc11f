// What hides behind ⊕: photos, voice, location, scanning; and the account's own buttons.
import { el } from "./bubbles.js";
import { base64, samplePhoto } from "./pictures.js";

const ALBUM = 9;
const AT_ONCE = 3;
const $ = (id) => document.getElementById(id);

// Let a button do its work once at a time, however often it is tapped.
function once(button, work) {
  return async (event) => {
    event?.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    try { await work(); } finally { button.disabled = false; }
  };
}

export function tools({ act, toast, loadAround, openAccount }) {
  let menuButton = null; // the account menu's button whose photo, place or code is being chosen

  function open(name) {
    $("tools").hidden = false;
    $("plus").setAttribute("aria-expanded", "true");
    for (const one of ["voice", "place", "scan"]) {
      $(`${one}-panel`).hidden = one !== name;
      $(`tool-${one}`).setAttribute("aria-expanded", one === name);
    }
    if (name === "scan") listScenes();
    $(`${name}-panel`)?.querySelector("textarea, select, input").focus();
  }

  function close() {
    menuButton = null;
    open("");
    $("tools").hidden = true;
    $("plus").setAttribute("aria-expanded", "false");
  }

  async function listScenes() {
    const { scenes } = await loadAround();
    const options = scenes.map((one) => el("option", { value: one.scene, "data-ticket": one.ticket, text: one.scene }));
    $("scene").replaceChildren(el("option", { value: "", text: options.length ? "请选择" : "还没有生成过二维码" }), ...options);
  }

  async function photos(files) {
    const album = [...files].slice(0, ALBUM);
    if (files.length > ALBUM) toast(`一次最多发 ${ALBUM} 张，已取前 ${ALBUM} 张`);
    if (!album.length) return;
    if (menuButton) await act({ kind: "menu_picture", event: menuButton.type, key: menuButton.key, name: menuButton.name, count: album.length });
    close();
    const waiting = [...album];
    const worker = async () => {
      while (waiting.length) {
        const file = waiting.shift();
        await act({ kind: "image", data: await base64(file) });
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, album.length) }, worker));
  }

  function point() {
    const option = $("place").selectedOptions[0];
    if (option.value !== "free") return { latitude: Number(option.dataset.latitude), longitude: Number(option.dataset.longitude), label: option.textContent };
    const [latitude, longitude] = [Number.parseFloat($("latitude").value), Number.parseFloat($("longitude").value)];
    return { latitude, longitude, label: "" };
  }

  async function sendPlace() {
    const where = point();
    const { key, name } = menuButton || {};
    if (menuButton && !(await act({ kind: "menu_location", key, name, ...where }))) return;
    if (await act({ kind: "location", ...where })) close();
  }

  async function sendVoice() {
    const sent = await act({ kind: "voice", text: $("voice-text").value, seconds: Number($("voice-seconds").value), recognised: !$("voice-unheard").checked });
    if (!sent) return;
    $("voice-text").value = "";
    close();
  }

  async function sendScan() {
    const typed = $("scene-text").value.trim();
    const scene = typed || $("scene").value;
    const ticket = typed ? "" : $("scene").selectedOptions[0]?.dataset.ticket || "";
    const wish = menuButton ? { kind: "menu_scan", event: menuButton.type, key: menuButton.key, name: menuButton.name, scene } : { kind: "scan", scene, ticket };
    if (!(await act(wish))) return;
    $("scene-text").value = "";
    close();
    openAccount(false);
  }

  function forMenu(button) {
    const panel = { location_select: "place", scancode_push: "scan", scancode_waitmsg: "scan" }[button.type];
    if (panel) open(panel);
    menuButton = button;
    if (button.type.startsWith("pic_")) $("photo-file").click();
    else if (!panel) toast("沙箱不演示这种菜单");
  }

  $("plus").addEventListener("click", () => ($("tools").hidden ? open("") : close()));
  $("tool-photo").addEventListener("click", () => { menuButton = null; $("photo-file").click(); });
  $("photo-file").addEventListener("change", async (event) => { await photos(event.target.files); event.target.value = ""; });
  $("sample-photo").addEventListener("click", once($("sample-photo"), async () => photos([await samplePhoto()])));
  for (const name of ["voice", "place", "scan"]) {
    $(`tool-${name}`).addEventListener("click", () => { menuButton = null; open($(`${name}-panel`).hidden ? name : ""); });
  }
  $("voice-panel").addEventListener("submit", once($("voice-send"), sendVoice));
  $("place-panel").addEventListener("submit", once($("location-send"), sendPlace));
  $("scan-panel").addEventListener("submit", once($("scan-send"), sendScan));
  $("place").addEventListener("change", () => { $("place-free").hidden = $("place").value !== "free"; });
  $("place-free").hidden = true;
  $("subscribe").addEventListener("click", once($("subscribe"), async () => { if (await act({ kind: "subscribe" })) openAccount(false); }));
  $("unsubscribe").addEventListener("click", once($("unsubscribe"), () => act({ kind: "unsubscribe" })));
  for (const button of document.querySelectorAll(".grant")) {
    button.addEventListener("click", once(button, async () => { if (await act({ kind: "grant", template_id: button.dataset.template })) openAccount(false); }));
  }
  return { open, close, forMenu };
}
