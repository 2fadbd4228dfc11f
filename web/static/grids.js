/* Grids on an empty canvas: pick one, drag its corners, add one on an edge, take one away, draw anew.
   The text field holds the truth: what is drawn is written there, and what is typed there is drawn. */
'use strict';
(() => {
  const svg = document.getElementById('canvas');
  if (!svg) return;
  const byId = (id) => document.getElementById(id);
  const [field, select, hint] = ['geometry', 'code', 'grid-hint'].map(byId);
  const [drop, draw, undo] = ['drop-corner', 'draw', 'undo'].map(byId);
  const grids = JSON.parse(svg.dataset.grids);
  const around = JSON.parse(svg.dataset.around);
  const usual = hint.textContent;
  let rings = [];        // of the picked grid: open rings of [lon, lat], the outer one first
  let corner = -1;       // the chosen corner of the outer ring
  let drawing = false;
  let saved = field.value;
  let current = select.value;

  // ---- degrees and the canvas ---------------------------------------------------------------------------------
  const known = [...grids.flatMap((grid) => grid.rings[0] || []), ...around.flat()];
  const middle = known.length ? known.reduce((sum, point) => sum + point[1], 0) / known.length : 36;
  const shrink = Math.cos(middle * Math.PI / 180);
  const SCALE = 100000;  // so many units of the canvas are a degree of latitude: about a metre each
  const base = known[0] || [117, 36];
  const place = ([lon, lat]) => [(lon - base[0]) * shrink * SCALE, (base[1] - lat) * SCALE];
  const degrees = (x, y) => [round(base[0] + x / shrink / SCALE), round(base[1] - y / SCALE)];
  const round = (value) => Math.round(value * 1e7) / 1e7;
  const view = { x: 0, y: 0, w: 1000, h: 700 };
  const unit = () => view.w / Math.max(svg.clientWidth, 1);
  const look = (points) => {
    const placed = (points.length ? points : [base]).map(place);
    const [xs, ys] = [0, 1].map((at) => placed.map((point) => point[at]));
    const [x, y] = [Math.min(...xs), Math.min(...ys)];
    const [w, h] = [Math.max(Math.max(...xs) - x, 200), Math.max(Math.max(...ys) - y, 200)];
    const ratio = svg.clientWidth / Math.max(svg.clientHeight, 1);
    const wide = Math.max(w, h * ratio) * 1.12;
    Object.assign(view, { w: wide, h: wide / ratio, x: x + w / 2 - wide / 2, y: y + h / 2 - wide / ratio / 2 });
    show();
  };
  const zoom = (by, [x, y] = [view.x + view.w / 2, view.y + view.h / 2]) => {
    const w = Math.min(Math.max(view.w * by, 50), 1e6);
    const real = w / view.w;
    Object.assign(view, { x: x - (x - view.x) * real, y: y - (y - view.y) * real, w, h: view.h * real });
    show();
  };
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    return [view.x + (event.clientX - box.left) * unit(), view.y + (event.clientY - box.top) * unit()];
  };

  // ---- drawing ------------------------------------------------------------------------------------------------
  const make = (name, attributes, words) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    if (words) element.textContent = words;
    return element;
  };
  const path = (shape) => shape.map((ring) => `M${ring.map((point) => place(point).join(' ')).join('L')}Z`).join('');
  const label = (grid, ring) => {
    const points = ring.map(place);
    const [x, y] = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
    return make('text', { x, y, class: 'grid-label', 'font-size': 12 * unit() }, grid.name.replace(/^.*社区/, ''));
  };
  const show = () => {
    svg.setAttribute('viewBox', `${view.x} ${view.y} ${view.w} ${view.h}`);
    const parts = around.map((ring) => make('path', { d: path([ring]), class: 'grid-around' }));
    grids.forEach((grid) => {
      if (grid.code === current || !grid.rings.length) return;
      parts.push(make('path', { d: path(grid.rings), class: 'grid-other', 'data-code': grid.code, 'fill-rule': 'evenodd' }));
    });
    if (rings.length && rings[0].length) parts.push(...own());
    grids.forEach((grid) => {
      const ring = grid.code === current ? rings[0] : grid.rings[0];
      if (ring && ring.length) parts.push(label(grid, ring));
    });
    svg.replaceChildren(...parts);
    drop.disabled = corner < 0 || rings[0].length <= 3;
    undo.disabled = field.value === saved;
    draw.setAttribute('aria-pressed', String(drawing));
  };
  const own = () => {
    const ring = rings[0];
    const parts = [make('path', { d: path(rings), class: 'grid-own', 'fill-rule': 'evenodd' })];
    if (!drawing) ring.forEach((point, index) => {
      const [[x1, y1], [x2, y2]] = [place(point), place(ring[(index + 1) % ring.length])];
      parts.push(make('line', { x1, y1, x2, y2, class: 'grid-edge', 'stroke-width': 20 * unit(), 'data-edge': index }));
    });
    ring.forEach((point, index) => {
      const [cx, cy] = place(point);
      const chosen = index === corner ? ' grid-chosen' : '';
      parts.push(make('circle', { cx, cy, r: 7 * unit(), class: `grid-dot${chosen}` }));
      parts.push(make('circle', { cx, cy, r: 18 * unit(), class: 'grid-grip', 'data-corner': index }));
    });
    return parts;
  };

  // ---- the text field -----------------------------------------------------------------------------------------
  const write = () => {
    const drawn = rings.length > 0 && rings[0].length > 0;
    const closed = drawn ? rings.map((ring) => [...ring, ring[0]]) : [];
    const lines = closed.map((ring) => `[\n${ring.map(([lon, lat]) => `[${lon}, ${lat}]`).join(',\n')}\n]`);
    field.value = drawn ? `{"type":"Polygon","coordinates":[${lines.join(',')}]}` : '';
    document.querySelectorAll('#grid-form input[name="heeded"]').forEach((input) => input.remove());
  };
  const open = (ring) => (ring.length > 1 && String(ring[0]) === String(ring.at(-1)) ? ring.slice(0, -1) : [...ring]);
  const read = () => {
    try {
      const shape = JSON.parse(field.value).coordinates.map(open);
      if (!shape.every((ring) => ring.every((point) => point.every(Number.isFinite)))) return;
      rings = shape;
    } catch { if (!field.value.trim()) rings = []; }
    corner = -1;
    show();
  };
  const pick = (code) => {
    const lost = field.value !== saved && !window.confirm('改了还没保存，不要了吗？');
    select.value = lost ? current : code;
    if (lost) return;
    const grid = grids.find((one) => one.code === code);
    current = code;
    rings = grid.rings.map(open);
    corner = -1;
    drawing = false;
    write();
    saved = field.value;
    say();
    show();
  };
  const say = () => { hint.textContent = drawing ? '一下一下点出各个角，点回第一个角就画好了。' : usual; };

  // ---- hands --------------------------------------------------------------------------------------------------
  let held = null;       // what the pointer holds: a corner or the canvas
  svg.addEventListener('pointerdown', (event) => {
    const { corner: index, edge, code } = event.target.dataset;
    const point = at(event);
    held = { point, moved: false, index: undefined, code };
    if (drawing) return;
    if (edge !== undefined) rings[0].splice(Number(edge) + 1, 0, degrees(...point));
    if (index !== undefined || edge !== undefined) {
      held.index = corner = index !== undefined ? Number(index) : Number(edge) + 1;
      if (edge !== undefined) { write(); }
      show();
    }
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener('pointermove', (event) => {
    if (!held) return;
    const point = at(event);
    const far = Math.hypot(point[0] - held.point[0], point[1] - held.point[1]) > 5 * unit();
    held.moved = held.moved || far;
    if (!held.moved) return;
    if (held.index !== undefined) { rings[0][held.index] = degrees(...point); write(); }
    else { view.x -= point[0] - held.point[0]; view.y -= point[1] - held.point[1]; }
    show();
  });
  const letGo = (event) => {
    const was = held;
    held = null;
    if (!was || was.moved || event.type === 'pointercancel') return;
    if (drawing) addPoint(event, was.point);
    else if (was.code) pick(was.code);
    else if (was.index === undefined) { corner = -1; show(); }
  };
  svg.addEventListener('pointerup', letGo);
  svg.addEventListener('pointercancel', letGo);
  const addPoint = (event, point) => {
    if (event.target.dataset.corner === '0' && rings[0].length > 2) { drawing = false; }
    else if (event.target.dataset.corner === undefined) rings = [[...(rings[0] || []), degrees(...point)]];
    write();
    say();
    show();
  };
  svg.addEventListener('wheel', (event) => { event.preventDefault(); zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, at(event)); }, { passive: false });
  byId('zoom-in').addEventListener('click', () => zoom(1 / 1.4));
  byId('zoom-out').addEventListener('click', () => zoom(1.4));
  byId('zoom-all').addEventListener('click', () => look(grids.flatMap((grid) => grid.rings[0] || [])));
  const takeAway = () => {
    if (drop.disabled) return;
    rings[0].splice(corner, 1);
    corner = -1;
    write();
    show();
  };
  drop.addEventListener('click', takeAway);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Delete' && !event.target.matches('textarea, input, select')) takeAway();
  });
  draw.addEventListener('click', () => {
    drawing = !drawing;
    if (drawing) { rings = [[]]; corner = -1; write(); } else read();
    say();
    show();
  });
  undo.addEventListener('click', () => { field.value = saved; drawing = false; say(); read(); });
  field.addEventListener('input', () => { drawing = false; read(); });
  select.addEventListener('change', () => pick(select.value));
  byId('area').addEventListener('change', (event) => event.target.form.submit());
  window.addEventListener('resize', () => look(known.length ? grids.flatMap((grid) => grid.rings[0] || []) : []));

  const mine = grids.find((grid) => grid.code === current);
  read();
  if (document.getElementById('faults') || document.getElementById('cautions')) saved = '';
  look([...grids.flatMap((grid) => grid.rings[0] || []), ...(mine && rings[0] ? rings[0] : [])]);
})();
