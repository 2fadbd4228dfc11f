// Comfort only: every page works without it. A form is sent once and says so; photos are shown and made smaller first.
const SIDE = 2560;
const SMALL = 1_200_000;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  const button = event.submitter;
  if (!button?.dataset.busy) return;
  button.dataset.rest = button.innerHTML;
  button.setAttribute("aria-busy", "true");
  button.textContent = button.dataset.busy;
});

// Who comes back by the back button finds the form as it was.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[data-rest]")) {
    button.innerHTML = button.dataset.rest;
    delete button.dataset.rest;
    button.removeAttribute("aria-busy");
  }
});

async function smaller(file) {
  try {
    const image = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
    if (scale === 1 && file.size <= SMALL) return file;
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(image.width * scale);
    canvas.height = Math.round(image.height * scale);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.85); });
    return blob && blob.size < file.size ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file;
  } catch {
    return file; // the server looks at it anyway, and says what is wrong
  }
}

function picker(box) {
  const input = box.querySelector("input");
  const list = box.querySelector(".previews");
  const words = box.querySelector(".pick-words");
  const limit = Number(box.dataset.limit);
  let chosen = [];

  function show() {
    const files = new DataTransfer();
    for (const file of chosen) files.items.add(file);
    input.files = files.files;
    for (const image of list.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    list.replaceChildren(...chosen.map(preview));
    list.hidden = chosen.length === 0;
  }

  function preview(file, at) {
    const item = document.createElement("li");
    const image = document.createElement("img");
    image.src = URL.createObjectURL(file);
    image.alt = `照片 ${at + 1}`;
    const drop = document.createElement("button");
    drop.type = "button";
    drop.textContent = "去掉";
    drop.setAttribute("aria-label", `去掉照片 ${at + 1}`);
    drop.addEventListener("click", () => {
      chosen = chosen.filter((one) => one !== file);
      show();
      say();
      (list.querySelectorAll("button")[at] || input).focus();
    });
    item.append(image, drop);
    return item;
  }

  function say(more = "") {
    words.textContent = `${chosen.length ? `选了 ${chosen.length} 张。` : ""}${more}`;
  }

  input.addEventListener("change", async () => {
    const added = [...input.files];
    const room = limit - chosen.length;
    words.textContent = "正在准备照片…";
    const ready = await Promise.all(added.slice(0, room).map(smaller));
    chosen = [...chosen, ...ready];
    show();
    say(added.length > room ? `最多 ${limit} 张，多的没有加上。` : "");
  });
}

document.querySelectorAll(".picker").forEach(picker);
