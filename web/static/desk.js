/* The desk: a case opens beside the list, and the keyboard does what the mouse does. */
'use strict';
(() => {
  const { all, byId, toast } = window.wanggetong;
  const roomy = window.matchMedia('(min-width: 80rem)');
  const rows = () => all('#list a.row');
  const address = (number) => {
    const url = new URL(location.href);
    if (number) url.searchParams.set('case', number); else url.searchParams.delete('case');
    return `${url.pathname}${url.search}`;
  };
  const mark = (number) => rows().forEach((row) => {
    if (row.dataset.number === number) row.setAttribute('aria-current', 'true'); else row.removeAttribute('aria-current');
  });
  const show = (number, href) => {
    const pane = byId('pane');
    pane.hidden = false;
    pane.setAttribute('aria-busy', 'true');
    byId('panes').classList.add('open');
    document.body.classList.add('has-pane');
    mark(number);
    return window.htmx.ajax('GET', href, { target: '#pane', select: '#pane', swap: 'outerHTML' });
  };
  const open = (number) => {
    const href = address(number);
    history.pushState({}, '', href);
    return show(number, href);
  };
  const close = () => {
    history.pushState({}, '', address(''));
    byId('pane').hidden = true;
    byId('pane').replaceChildren();
    byId('panes').classList.remove('open');
    document.body.classList.remove('has-pane');
    const last = document.querySelector('#list a.row[aria-current]');
    mark('');
    last?.focus();
  };
  document.addEventListener('click', (event) => {
    const plain = !(event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    const row = event.target.closest('#list a.row');
    if (row && plain && roomy.matches) { event.preventDefault(); open(row.dataset.number); }
    if (event.target.closest('#close-pane') && plain) { event.preventDefault(); close(); }
  });
  window.addEventListener('popstate', () => location.reload());
  ['htmx:sendError', 'htmx:timeout', 'htmx:responseError'].forEach((name) => document.addEventListener(name, (event) => {
    if (event.detail.target?.id !== 'pane') return;
    byId('pane').removeAttribute('aria-busy');
    toast('没有打开，网络不通。再点一次试试。');
  }));
  // The list that refreshes itself keeps its mark.
  document.addEventListener('htmx:afterSettle', (event) => {
    if (event.detail.target?.id === 'list') mark(new URL(location.href).searchParams.get('case'));
  });
  // ---- ticking several ------------------------------------------------------------------------------------------
  const boxes = () => all('#list input[name="case"]');
  const tally = () => {
    const count = boxes().filter((box) => box.checked).length;
    byId('ticks').hidden = count === 0;
    byId('tick-count').textContent = count;
  };
  document.addEventListener('change', (event) => { if (event.target.matches('#list input[name="case"]')) tally(); });
  byId('tick-all').addEventListener('click', () => { boxes().forEach((box) => { box.checked = true; }); tally(); });
  byId('ticks').addEventListener('reset', () => setTimeout(tally));
  window.addEventListener('pageshow', tally);

  // ---- the keyboard ---------------------------------------------------------------------------------------------
  const sheet = byId('keys');
  const help = () => { sheet.showModal(); byId('keys-title').focus(); };
  byId('keys-open').addEventListener('click', help);
  byId('keys-close').addEventListener('click', () => sheet.close());
  sheet.addEventListener('click', (event) => { if (event.target === sheet) sheet.close(); });
  const here = () => {
    const found = rows().findIndex((row) => row === document.activeElement);
    return found >= 0 ? found : rows().findIndex((row) => row.hasAttribute('aria-current'));
  };
  const step = (by) => {
    const row = rows()[Math.max(0, Math.min(rows().length - 1, here() + by))];
    if (!row) return;
    row.focus();
    row.scrollIntoView({ block: 'nearest' });
    if (!byId('pane').hidden && roomy.matches) open(row.dataset.number);
  };
  const press = (selector) => {
    const button = [...document.querySelectorAll(selector)].find((each) => each.offsetParent);
    button?.click();
    return Boolean(button);
  };
  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    x: () => {
      const box = rows()[here()]?.parentElement.querySelector('input[name="case"]');
      if (box) { box.checked = !box.checked; tally(); }
    },
    a: () => press('#likely .button'),
    r: () => byId('f-reply-text')?.focus(),
    n: () => press('[data-open="note"]'),
    '/': () => byId('find-words').focus(),
    '?': help,
    Escape: () => { if (!byId('pane').hidden) close(); },
  };
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest('input:not([type="checkbox"]), textarea, select, dialog, [contenteditable]');
    if (document.body.dataset.keys === 'off' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^[1-9]$/.test(event.key)) {
      const link = all('#lists a')[Number(event.key) - 1];
      if (link) location.assign(link.href);
      return;
    }
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

})();
