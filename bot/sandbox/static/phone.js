// The phone: one resident's chat, sending and polling.
import { draw, el } from "./bubbles.js";
import { accountMenu } from "./menu.js";
import { tools } from "./tools.js";

const POLL = 1200;
const $ = (id) => document.getElementById(id);
const state = { openid: "", seen: new Set(), last: 0, lastTime: 0, following: true, busy: 0, timer: 0, pending: new Map() };

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function toast(words) {
  $("toast").textContent = words;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").textContent = ""; }, 3500);
}

function atEnd() {
  const box = $("messages");
  return box.scrollHeight - box.scrollTop - box.clientHeight < 140;
}

function toEnd() {
  $("messages").scrollTop = $("messages").scrollHeight;
}

const brush = {
  name: () => $("resident").selectedOptions[0].textContent.trim(),
  choose: (text, choice) => act({ kind: "text", text, choice }),
  settle: () => { if (brush.stick) toEnd(); },
  stick: true,
  view(url) {
    $("viewer").querySelector("img").src = url;
    $("viewer").showModal();
  },
};

function show(message) {
  if (state.seen.has(message.id)) return;
  state.seen.add(message.id);
  $("messages").querySelector(".empty")?.remove();
  state.pending.get(message.client_id)?.remove();
  state.pending.delete(message.client_id);
  brush.stick = message.side === "mine" || atEnd();
  const nodes = draw(message, state.lastTime, brush);
  nodes.at(-1).classList.add("new");
  const waiting = [...state.pending.values()].find((node) => node.isConnected);
  if (waiting && message.side === "mine") waiting.before(...nodes);
  else $("messages").append(...nodes);
  state.lastTime = message.time;
  brush.settle();
}

function standing({ following, allowance }) {
  state.following = following;
  $("account-open").hidden = !following;
  $("subscribe").hidden = following;
  $("followed").hidden = !following;
  $("account-close").hidden = !following;
  document.querySelector(".bar .dot").classList.toggle("on", following);
  if (!following) openAccount(true);
  const hours = allowance.seconds >= 3600 ? `${Math.floor(allowance.seconds / 3600)} 小时` : `${Math.ceil(allowance.seconds / 60)} 分钟`;
  $("allowance").textContent = allowance.left ? `公众号现在还可以主动发 ${allowance.left} 条消息（${hours}内）。` : "公众号现在不能主动发消息，除非居民再说一句话。";
}

export function openAccount(open) {
  $("account").hidden = !open;
  document.querySelector(".screen").classList.toggle("profile", open);
  $("account-open").setAttribute("aria-expanded", open);
}

async function fetchJson(path, options) {
  const answer = await fetch(`/sandbox/chats/${encodeURIComponent(state.openid)}${path}`, options);
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.error || "出了点问题"), { refused: true });
  return body;
}

async function poll() {
  clearTimeout(state.timer);
  const { openid } = state;
  if (document.hidden) return;
  try {
    const news = await fetchJson(`/messages?after=${state.last}`);
    if (openid !== state.openid) return;
    for (const message of news.messages) {
      show(message);
      state.last = Math.max(state.last, message.id);
    }
    standing(news);
    offline(false);
  } catch {
    offline(true);
  }
  if (openid !== state.openid) return;
  clearTimeout(state.timer);
  state.timer = setTimeout(poll, POLL);
}

function offline(now) {
  if (now) document.querySelector(".bar .dot").classList.remove("on");
  typing(now ? "连接断开，正在重试…" : state.busy ? "对方正在输入…" : "");
}

function typing(words) {
  if ($("typing").textContent !== words) $("typing").textContent = words;
}

export async function loadAround() {
  const around = await fetchJson("");
  accountMenu($("menu"), around.menu, menuTapped);
  standing(around);
  return around;
}

async function choose(openid) {
  Object.assign(state, { openid, seen: new Set(), last: 0, lastTime: 0, pending: new Map() });
  document.cookie = `sandbox_openid=${openid}; path=/sandbox; samesite=lax`;
  try { localStorage.setItem("sandbox-resident", openid); } catch { /* private windows may refuse */ }
  $("messages").replaceChildren(el("p", { cls: "empty", text: "有什么问题，直接说就好。也可以点下面的菜单，或按 ⊕ 发照片、语音、位置。" }));
  openAccount(false);
  loadAround().catch(() => offline(true));
  await poll();
  toEnd();
}

function trace(exchange) {
  if (!exchange) return;
  const again = exchange.tries > 1 ? `，共送 ${exchange.tries} 次` : "";
  $("trace-line").textContent = `${exchange.fault || `HTTP ${exchange.status}`}，用时 ${exchange.milliseconds} 毫秒${again}。`;
  $("trace-xml").textContent = exchange.xml === exchange.sent ? exchange.xml : `${exchange.xml}\n\n— 加密后 —\n${exchange.sent}`;
  $("trace-answer").textContent = exchange.opened ? `${exchange.opened}\n\n— 解密前 —\n${exchange.answer}` : exchange.answer || "（空，没有回复）";
}

function placeholder(wish) {
  if (wish.kind !== "text") return null;
  const message = { id: 0, side: "mine", kind: "text", time: Date.now() / 1000, body: { text: wish.text } };
  const turn = draw(message, message.time, brush).at(-1);
  turn.classList.add("pending");
  $("messages").querySelector(".empty")?.remove();
  $("messages").append(turn);
  toEnd();
  return turn;
}

// Do one act. Returns true when it was sent; the same act sent again keeps its id, so it cannot count twice.
export async function act(wish) {
  const client_id = newId();
  const waiting = placeholder(wish);
  if (waiting) state.pending.set(client_id, waiting);
  return deliver({ ...wish, client_id }, waiting);
}

async function deliver(wish, waiting) {
  const { openid } = state;
  state.busy += 1;
  typing("对方正在输入…");
  try {
    const result = await fetchJson("/send", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(wish) });
    if (openid !== state.openid) return true;
    result.messages.forEach(show);
    trace(result.exchange);
    return true;
  } catch (error) {
    failed(error, wish, waiting);
    return false;
  } finally {
    state.busy -= 1;
    if (!state.busy) typing("");
  }
}

function failed(error, wish, waiting) {
  if (error.refused || !waiting) {
    waiting?.remove();
    state.pending.delete(wish.client_id);
    if (wish.kind === "text" && !$("text").value) fill(wish.text);
    toast(error.refused ? error.message : "没有发出去，请看看沙箱是否还在运行");
    return;
  }
  const again = el("button", { type: "button", cls: "failed", text: "重发" });
  again.addEventListener("click", () => { again.remove(); deliver(wish, waiting); });
  waiting.append(again);
}

function menuTapped(button) {
  const name = button.name;
  if (button.type === "click") return act({ kind: "click", key: button.key, name });
  if (button.type === "view" || button.type === "miniprogram") {
    window.open(button.url, "_blank", "noopener");
    return act({ kind: "view", key: button.url, name });
  }
  return box.forMenu(button);
}

function fill(words) {
  $("text").value = words;
  sized();
}

function sized() {
  const area = $("text");
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight + 2, 132)}px`;
  $("send").disabled = !area.value.trim();
}

async function sendText() {
  const text = $("text").value.trim();
  if (!text) return;
  fill("");
  await act({ kind: "text", text });
}

function help(open) {
  $("help").classList.toggle("open", open);
  $("help-open").setAttribute("aria-expanded", open);
  if (open) $("help-close").focus();
}

const box = tools({ act, toast, loadAround, openAccount });

$("composer").addEventListener("submit", (event) => { event.preventDefault(); sendText(); });
$("text").addEventListener("input", sized);
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  sendText();
});
$("resident").addEventListener("change", (event) => choose(event.target.value));
$("account-open").addEventListener("click", () => { box.close(); openAccount($("account").hidden); });
$("account-close").addEventListener("click", () => openAccount(false));
$("account-scan").addEventListener("click", () => box.open("scan"));
$("help-open").addEventListener("click", () => help(true));
$("help-close").addEventListener("click", () => { help(false); $("help-open").focus(); });
$("viewer").addEventListener("click", () => $("viewer").close());
$("messages").addEventListener("scroll", () => { brush.stick = atEnd(); }, { passive: true });
new ResizeObserver(() => brush.settle()).observe($("messages"));
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
for (const button of document.querySelectorAll(".example")) {
  button.addEventListener("click", () => { help(false); box.close(); fill(button.textContent); $("text").focus(); });
}

let remembered = null;
try { remembered = localStorage.getItem("sandbox-resident"); } catch { /* private windows may refuse */ }
if (remembered && [...$("resident").options].some((one) => one.value === remembered)) $("resident").value = remembered;
choose($("resident").value);
