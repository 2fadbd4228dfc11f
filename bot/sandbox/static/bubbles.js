// Draws the chat: bubbles, cards, time separators. Text is only ever set as text, never as HTML.

const LINK = /<a\s[^>]*?href=["']([^"']*)["'][^>]*>([\s\S]*?)<\/a>|(https?:\/\/[^\s<>"'，。；！？、）】」]+)/gi;
const GAP = 5 * 60;

export function el(tag, { text, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(name === "cls" ? "class" : name, value === true ? "" : value);
  }
  if (text !== undefined) node.textContent = text;
  node.append(...children);
  return node;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

function link(address, label) {
  return el("a", { href: address, target: "_blank", rel: "noopener", text: label });
}

// WeChat's text messages may hold <a href>, bare addresses and menu links; everything else is plain.
function rich(text, choose) {
  const parts = document.createDocumentFragment();
  let end = 0;
  for (const found of text.matchAll(LINK)) {
    parts.append(text.slice(end, found.index));
    const [whole, address, label, bare] = found;
    if (bare) parts.append(link(bare, bare));
    else if (/^https?:\/\//i.test(address)) parts.append(link(address, label));
    else if (/^weixin:\/\/bizmsgmenu\?/i.test(address)) parts.append(menuLink(address, label, choose));
    else parts.append(label);
    end = found.index + whole.length;
  }
  parts.append(text.slice(end));
  return parts;
}

function menuLink(address, label, choose) {
  const query = new URLSearchParams(address.slice(address.indexOf("?") + 1).replaceAll("&amp;", "&"));
  const button = el("button", { type: "button", cls: "choice", text: label });
  button.addEventListener("click", () => choose(query.get("msgmenucontent") || label, query.get("msgmenuid") || ""));
  return button;
}

function sketch() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 240 84");
  svg.setAttribute("class", "sketch");
  svg.setAttribute("preserveAspectRatio", "xMidYMid slice");
  svg.setAttribute("aria-hidden", "true");
  const shapes = [
    ["rect", { width: 240, height: 84, fill: "#e3ecdf", stroke: "none" }],
    ["path", { d: "M-5 60C60 50 90 66 250 40M70-5c6 30-6 60 4 95M170-5c-8 30 4 60-4 95", stroke: "#fff", "stroke-width": 9 }],
    ["path", { d: "M120 66s-14-12-14-23a14 14 0 0 1 28 0c0 11-14 23-14 23z", fill: "#c8382e", stroke: "none" }],
    ["circle", { cx: 120, cy: 43, r: 5, fill: "#fff", stroke: "none" }],
  ];
  for (const [name, attributes] of shapes) {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    svg.append(shape);
  }
  return svg;
}

const BODIES = {
  text: (body, tools) => ["", rich(body.text, tools.choose)],
  image(body, tools) {
    const picture = el("img", { src: body.url, alt: "照片", loading: "lazy" });
    const button = el("button", { type: "button", "aria-label": "放大照片" }, picture);
    button.addEventListener("click", () => tools.view(body.url));
    picture.addEventListener("load", () => tools.settle());
    return ["picture", button];
  },
  voice(body) {
    const width = body.seconds > 20 ? "s3" : body.seconds > 6 ? "s2" : "";
    const sound = el("span", { cls: `sound ${width}` }, icon("i-voice"), `${body.seconds || ""}″`);
    if (!body.text) return ["", sound];
    const said = body.recognised === false ? `${body.text}（没有识别结果）` : body.text;
    const parts = document.createDocumentFragment();
    parts.append(sound, el("span", { cls: "said", text: said }));
    return ["", parts];
  },
  location(body) {
    const parts = document.createDocumentFragment();
    parts.append(el("h3", { text: body.label || "位置" }), el("span", { cls: "small", text: `${body.latitude}，${body.longitude}` }), sketch());
    return ["card", parts];
  },
  news(body) {
    const parts = document.createDocumentFragment();
    for (const one of body.articles) {
      parts.append(el("h3", {}, /^https?:/i.test(one.url) ? link(one.url, one.title) : one.title));
      if (one.description) parts.append(el("p", { cls: "small", text: one.description }));
      if (one.picurl && new URL(one.picurl, location.href).origin === location.origin) parts.append(el("img", { src: one.picurl, alt: "" }));
    }
    return ["card", parts];
  },
  notice(body) {
    const parts = document.createDocumentFragment();
    const list = el("dl");
    for (const [name, value] of body.items) list.append(el("dt", { text: name }), el("dd", { text: value }));
    parts.append(el("h3", { text: body.title }), list);
    if (/^https?:/i.test(body.url)) parts.append(link(body.url, "查看详情"));
    return ["card", parts];
  },
  choices(body, tools) {
    const parts = document.createDocumentFragment();
    parts.append(rich(body.head, tools.choose));
    for (const one of body.choices) {
      const button = el("button", { type: "button", cls: "choice", text: one.text });
      button.addEventListener("click", () => tools.choose(one.text, one.id));
      parts.append(button);
    }
    parts.append(rich(body.tail, tools.choose));
    return ["", parts];
  },
};

function clock(seconds) {
  const then = new Date(seconds * 1000);
  const day = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const days = Math.round((day(new Date()) - day(then)) / 86400000);
  const time = `${String(then.getHours()).padStart(2, "0")}:${String(then.getMinutes()).padStart(2, "0")}`;
  if (days === 0) return time;
  return days === 1 ? `昨天 ${time}` : `${then.getMonth() + 1}月${then.getDate()}日 ${time}`;
}

// Return the nodes for one message: perhaps a time separator, then the turn.
export function draw(message, before, tools) {
  const nodes = [];
  if (!before || message.time - before > GAP) nodes.push(el("p", { cls: "time", text: clock(message.time) }));
  if (message.side === "note") return [...nodes, el("p", { cls: "note", text: message.body.text, "data-id": message.id })];
  const mine = message.side === "mine";
  const [extra, content] = (BODIES[message.kind] || (() => ["", `[${message.kind}]`]))(message.body, tools);
  const bubble = el("div", { cls: `bubble ${message.side} ${extra}`.trim(), "data-id": message.id }, content);
  const face = el("span", { cls: "face", "aria-hidden": "true" }, mine ? tools.name().slice(0, 1) : el("img", { src: "/sandbox/static/icon.svg", alt: "" }));
  const turn = el("div", { cls: `turn ${mine ? "mine" : ""}` }, face, bubble);
  turn.setAttribute("aria-label", mine ? "我说" : "公众号说");
  turn.setAttribute("role", "group");
  return [...nodes, turn];
}
