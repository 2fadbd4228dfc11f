// Photos: read files, and paint a sample one on a canvas so that nobody needs a file at hand.

const WIDTH = 1200;
const HEIGHT = 900;

export function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}

function street(pen) {
  const sky = pen.createLinearGradient(0, 0, 0, 330);
  sky.addColorStop(0, "#9fbcd0");
  sky.addColorStop(1, "#e4e6de");
  pen.fillStyle = sky;
  pen.fillRect(0, 0, WIDTH, 330);
  for (let x = -40, i = 0; x < WIDTH; x += 190, i += 1) {
    const top = 60 + ((i * 67) % 110);
    pen.fillStyle = ["#b9a48c", "#a8adb0", "#c7b8a2", "#9b9a90"][i % 4];
    pen.fillRect(x, top, 176, 330 - top);
    pen.fillStyle = "rgba(60,72,84,.5)";
    for (let y = top + 22; y < 300; y += 46) for (let k = 0; k < 4; k += 1) pen.fillRect(x + 16 + k * 40, y, 24, 28);
  }
  pen.fillStyle = "#a19a90";
  pen.fillRect(0, 330, WIDTH, 70);
  const road = pen.createLinearGradient(0, 400, 0, HEIGHT);
  road.addColorStop(0, "#6f7172");
  road.addColorStop(1, "#4d4f50");
  pen.fillStyle = road;
  pen.fillRect(0, 400, WIDTH, HEIGHT - 400);
  pen.fillStyle = "rgba(235,230,210,.6)";
  for (const x of [60, 420, 780, 1100]) pen.fillRect(x, 452, 190, 12);
}

function ellipse(pen, x, y, rx, ry, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.ellipse(x, y, rx, ry, 0, 0, Math.PI * 2);
  pen.fill();
}

function manhole(pen) {
  ellipse(pen, 560, 690, 205, 92, "#8b8d8c");
  ellipse(pen, 560, 690, 180, 78, "#0e0f10");
  ellipse(pen, 560, 706, 168, 62, "#191b1c");
  ellipse(pen, 850, 640, 165, 58, "#3a3d3e");
  ellipse(pen, 850, 630, 165, 58, "#5d6162");
  pen.strokeStyle = "#45494a";
  pen.lineWidth = 7;
  for (let i = -3; i < 4; i += 1) {
    pen.beginPath();
    pen.moveTo(850 + i * 42 - 18, 588);
    pen.lineTo(850 + i * 42 + 18, 672);
    pen.stroke();
  }
}

function rubbish(pen) {
  const bags = [[470, 650, 120, "#2b2d31"], [620, 610, 130, "#3b3f45"], [740, 680, 110, "#24262a"], [560, 720, 125, "#e2ddd2"], [860, 715, 90, "#b9483c"]];
  ellipse(pen, 650, 770, 330, 50, "rgba(0,0,0,.35)");
  for (const [x, y, r, colour] of bags) {
    ellipse(pen, x, y, r, r * 0.82, colour);
    ellipse(pen, x - r * 0.3, y - r * 0.3, r * 0.25, r * 0.16, "rgba(255,255,255,.16)");
  }
}

function lamp(pen) {
  pen.fillStyle = "rgba(16,22,38,.62)";
  pen.fillRect(0, 0, WIDTH, HEIGHT);
  pen.fillStyle = "#262a2e";
  pen.fillRect(600, 150, 16, 560);
  pen.fillRect(600, 150, 170, 12);
  ellipse(pen, 770, 168, 46, 16, "#3a3f44");
  ellipse(pen, 608, 716, 60, 16, "#1d2023");
}

function grain(pen) {
  const pixels = pen.getImageData(0, 0, WIDTH, HEIGHT);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const noise = (Math.random() - 0.5) * 26;
    for (let k = 0; k < 3; k += 1) pixels.data[i + k] += noise;
  }
  pen.putImageData(pixels, 0, 0);
}

export function samplePhoto() {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const pen = canvas.getContext("2d");
  street(pen);
  [manhole, rubbish, lamp][Math.floor(Math.random() * 3)](pen);
  grain(pen);
  pen.fillStyle = "rgba(255,255,255,.92)";
  pen.font = "30px sans-serif";
  pen.fillText(`样例照片 ${new Date().toLocaleString("zh-CN")}`, 36, HEIGHT - 36);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.85); });
}
