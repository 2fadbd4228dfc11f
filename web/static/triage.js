/* The triage board by keyboard: one key, one decision, the next case. Everything works without this file. */
'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const desk = () => byId('desk');
  const board = byId('main');
  // A key struck just as the next case appears was meant for the one before.
  const SETTLED = 300;
  const FRESH = 20_000;
  let shownAt = 0;
  let ahead = null;

  const say = (words) => {
    const line = document.createElement('span');
    line.className = 'said-warn';
    line.textContent = words;
    byId('said').replaceChildren(line);
  };
  const placeWanted = () => byId('said').querySelector('[data-said="warn"]') && byId('place');
  const busy = () => desk().classList.contains('sending');

  // ---- the next case, asked for while this one is read ---------------------------------------------------------
  const lookAhead = async () => {
    ahead = null;
    const link = byId('following');
    if (!link) return;
    try {
      const answer = await fetch(link.href, { credentials: 'same-origin' });
      if (!answer.ok || byId('following') !== link) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const next = page.getElementById('desk');
      if (!next || `${new URL(link.href).searchParams.get('case')}` !== next.dataset.number) return;
      next.querySelectorAll('img').forEach((image) => { new Image().src = image.getAttribute('src'); });
      ahead = { href: link.href, next, at: Date.now() };
    } catch { /* it is asked for again when it is needed */ }
  };
  const ready = () => {
    const here = desk();
    shownAt = Date.now();
    if (!here || !here.dataset.number) { ahead = null; return; }
    window.scrollTo(0, 0);
    (placeWanted() || byId('what')).focus({ preventScroll: true });
    setTimeout(() => { here.dataset.ready = ''; }, SETTLED);
    lookAhead();
  };
  const skip = () => {
    const link = byId('following');
    if (!link) return;
    if (!ahead || ahead.href !== link.href || Date.now() - ahead.at > FRESH) {
      ahead = null;
      link.click();
      return;
    }
    const next = document.importNode(ahead.next, true);
    desk().replaceWith(next);
    byId('said').replaceChildren();
    window.htmx.process(next);
    ready();
  };

  // ---- finding a kind ------------------------------------------------------------------------------------------
  const visible = () => [...document.querySelectorAll('#kind-list .pick:not([hidden])')];
  const mark = (pick) => {
    document.querySelectorAll('.pick.at').forEach((one) => one.classList.remove('at'));
    if (!pick) return;
    pick.classList.add('at');
    pick.scrollIntoView({ block: 'nearest' });
  };
  const filter = (field) => {
    const wanted = field.value.trim().toLowerCase().split(/\s+/);
    document.querySelectorAll('#kind-list [data-group]').forEach((group) => {
      const picks = [...group.querySelectorAll('.pick')];
      picks.forEach((pick) => { pick.hidden = !wanted.every((word) => pick.dataset.words.includes(word)); });
      group.hidden = picks.every((pick) => pick.hidden);
    });
    const found = visible();
    byId('kind-none').hidden = found.length > 0;
    mark(field.value.trim() ? found[0] : null);
  };
  const inSearch = (event) => {
    const found = visible();
    const at = found.findIndex((pick) => pick.classList.contains('at'));
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      mark(found[Math.max(0, Math.min(found.length - 1, at + (event.key === 'ArrowDown' ? 1 : -1)))]);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (at >= 0 && !busy() && !event.repeat) found[at].click();
    }
  };
  const openFold = (id, field) => {
    const fold = byId(id);
    if (!fold) return;
    fold.open = true;
    byId(field).focus();
    byId(field).scrollIntoView({ block: 'nearest' });
  };

  // ---- keys ----------------------------------------------------------------------------------------------------
  const OTHER_KEYS = {
    '/': () => openFold('others', 'kind-search'),
    d: () => openFold('byhand', 'unit'),
    p: () => byId('place')?.focus(),
    s: skip,
    ArrowRight: skip,
    ArrowLeft: () => byId('previous')?.click(),
    u: () => byId('slip')?.click(),
  };
  const escape = () => {
    document.querySelectorAll('.fold-in[open]').forEach((fold) => { fold.open = false; });
    byId('what')?.focus({ preventScroll: true });
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === 'Escape') { escape(); return; }
    if (event.target.id === 'kind-search') { inSearch(event); return; }
    if (event.target.closest('input, select, textarea, audio, video')) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const button = document.querySelector(`#desk button[data-key="${CSS.escape(key)}"]`);
    const other = OTHER_KEYS[key];
    if (!button && !other) return;
    event.preventDefault();
    if (event.repeat || busy() || Date.now() - shownAt < SETTLED) return;
    if (button) button.click(); else other();
  });
  board.addEventListener('input', (event) => { if (event.target.id === 'kind-search') filter(event.target); });
  board.addEventListener('toggle', (event) => {
    if (event.target.id === 'others' && event.target.open) byId('kind-search').focus();
  }, true);
  board.addEventListener('click', (event) => {
    if (!event.target.closest('#following') || !ahead || ahead.href !== byId('following').href) return;
    event.preventDefault();
    event.stopPropagation();
    skip();
  }, true);

  // ---- what htmx does ------------------------------------------------------------------------------------------
  const ours = (event) => Boolean(event.target.closest?.('#desk, #said'));
  document.addEventListener('htmx:beforeRequest', (event) => {
    if (!ours(event)) return;
    if (busy()) { event.preventDefault(); return; }
    desk().classList.add('sending');
  });
  document.addEventListener('htmx:beforeSwap', (event) => {
    if (!ours(event) || event.detail.serverResponse.includes('id="desk"')) return;
    event.detail.shouldSwap = false;
    if (event.detail.xhr.status < 400) location.reload(); // logged out meanwhile
  });
  ['htmx:sendError', 'htmx:timeout', 'htmx:responseError'].forEach((name) => document.addEventListener(name, (event) => {
    if (!ours(event)) return;
    desk().classList.remove('sending');
    if (desk().dataset.number) say(name === 'htmx:responseError' ? '没有办成，请刷新页面再试' : '网络不通，没有派出去，请再按一次');
  }));
  document.addEventListener('htmx:afterSettle', (event) => {
    if (event.detail.target?.id === 'desk' || event.target.id === 'desk') ready();
  });
  ready();
})();
