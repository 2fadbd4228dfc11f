/* The staff console's small manners. Everything works without this file; it makes it quicker and safer.
   What stands in the page at first and what comes later are made ready the same way: `ready` gets the new part. */
'use strict';
(() => {
  const root = document.documentElement;
  root.classList.add('js');
  const all = (selector, within = document) => [
    ...(within instanceof Element && within.matches(selector) ? [within] : []),
    ...within.querySelectorAll(selector),
  ];
  const byId = (id) => document.getElementById(id);
  const wide = () => window.matchMedia('(min-width: 64rem)').matches;

  // ---- toasts -------------------------------------------------------------------------------------------------
  const readyToast = (toast) => {
    const close = toast.querySelector('[data-close-toast]');
    const remove = () => toast.remove();
    if (close) { close.hidden = false; close.addEventListener('click', remove); }
    if (toast.dataset.toast === 'ok') setTimeout(remove, 6000);
  };
  const toast = (words, kind = 'warn', href = '') => {
    const box = document.createElement('div');
    box.className = `toast toast-${kind}`;
    box.dataset.toast = kind;
    const text = document.createElement(href ? 'a' : 'span');
    text.textContent = words;
    if (href) { text.href = href; text.addEventListener('click', () => box.remove()); }
    box.append(text);
    if (kind === 'error') {  // stays until it is read
      const close = document.createElement('button');
      close.type = 'button';
      close.className = 'plain toast-close';
      close.setAttribute('aria-label', '关闭');
      close.textContent = '✕';
      close.addEventListener('click', () => box.remove());
      box.append(close);
    }
    byId('toasts').append(box);
    if (kind !== 'error') setTimeout(() => box.remove(), 8000);
  };

  // ---- dialogs made of <details> ------------------------------------------------------------------------------
  const openers = new Map();
  const makeDialog = (details) => {
    const { dialog: action, title } = details.dataset;
    const summary = details.querySelector('summary');
    const form = details.querySelector('form');
    const dialog = document.createElement('dialog');
    if (!dialog.showModal) return;
    dialog.id = `dialog-${action}`;
    dialog.setAttribute('aria-label', title);
    dialog.className = 'sheet';
    const article = document.createElement('article');
    const head = document.createElement('header');
    const name = document.createElement('h2');
    const close = document.createElement('button');
    name.textContent = title;
    name.tabIndex = -1;
    close.type = 'button';
    close.className = 'plain sheet-close';
    close.setAttribute('aria-label', '关闭');
    close.textContent = '✕';
    head.append(name, close);
    article.append(head, form);
    dialog.append(article);
    const open = document.createElement('button');
    open.type = 'button';
    open.className = summary.className;
    open.dataset.open = action;
    open.append(...summary.childNodes);
    details.replaceWith(open);
    document.body.append(dialog);
    openers.set(dialog, open);
    open.addEventListener('click', () => {
      setMore(false);
      dialog.showModal();
      root.classList.add('sheet-open');
      const first = form.querySelector('select, textarea');
      (first && wide() ? first : name).focus();
    });
    close.addEventListener('click', () => dialog.close());
    dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener('close', () => { root.classList.remove('sheet-open'); });
  };
  // A dialog goes with the button that opened it.
  const dropDialogs = () => openers.forEach((open, dialog) => {
    if (open.isConnected) return;
    dialog.remove();
    openers.delete(dialog);
  });

  const setMore = (open) => {
    byId('more')?.setAttribute('aria-expanded', String(open));
    byId('rest')?.classList.toggle('open', open);
  };
  document.addEventListener('click', (event) => {
    const more = event.target.closest('#more');
    if (more) setMore(more.getAttribute('aria-expanded') !== 'true');
    else if (!event.target.closest('#actions')) setMore(false);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && byId('rest')?.classList.contains('open')) { setMore(false); byId('more').focus(); }
  });
  document.addEventListener('click', (event) => {
    const link = event.target.closest('[data-focus]');
    const field = link && byId(link.dataset.focus);
    if (!field) return;
    event.preventDefault();
    setMore(false);
    field.scrollIntoView({ block: 'center' });
    field.focus({ preventScroll: true });
  });
  document.addEventListener('click', (event) => {
    const link = event.target.closest('[data-back]');
    const from = link && document.referrer && new URL(document.referrer);
    if (from && from.origin === location.origin && from.pathname === new URL(link.href).pathname) {
      event.preventDefault();
      history.back();
    }
  });

  // ---- what one types: counter, quick picks, drafts -----------------------------------------------------------
  const draftKey = (form) => `draft:${form.dataset.draft}`;
  const store = (key, value) => {
    try { if (value) sessionStorage.setItem(key, value); else sessionStorage.removeItem(key); } catch { /* private mode */ }
  };
  const stored = (key) => { try { return sessionStorage.getItem(key) || ''; } catch { return ''; } };
  const count = (field) => {
    const counter = document.querySelector(`[data-counter="${field.id}"]`);
    if (counter) counter.textContent = field.value ? `${field.value.length} / ${field.maxLength}` : '';
  };
  const sent = stored('draft-sent');
  if (sent && document.querySelector('[data-toast="ok"]')) store(sent, '');
  store('draft-sent', '');
  const readyDraft = (field) => {
    if (!field.value) field.value = stored(draftKey(field.form));
    count(field);
    field.addEventListener('input', () => { count(field); store(draftKey(field.form), field.value); });
  };
  const write = (field, words) => {
    field.value = words;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    if (wide()) field.focus();
  };
  document.addEventListener('click', (event) => {
    const pick = event.target.closest('[data-fill]');
    if (pick) {
      const field = byId(pick.dataset.fill);
      const [words, before] = [pick.textContent.trim(), field.value.trim()];
      write(field, before.includes(words) ? before : before ? `${before}${/[，。；！？]$/.test(before) ? '' : '，'}${words}` : words);
    }
    const canned = event.target.closest('[data-canned]');
    if (canned) {
      canned.closest('details').open = false;
      write(byId(canned.dataset.canned), canned.dataset.text);
    }
  });

  // ---- photos -------------------------------------------------------------------------------------------------
  const showPhotos = (input) => {
    const box = byId(input.dataset.previews);
    all('img', box).forEach((image) => URL.revokeObjectURL(image.src));
    box.replaceChildren(...[...input.files].map((file, index) => {
      const button = document.createElement('button');
      const image = document.createElement('img');
      button.type = 'button';
      button.className = 'preview';
      button.setAttribute('aria-label', `去掉第 ${index + 1} 张照片`);
      image.src = URL.createObjectURL(file);
      image.alt = '';
      button.append(image);
      button.addEventListener('click', () => {
        const kept = new DataTransfer();
        [...input.files].forEach((one, at) => { if (at !== index) kept.items.add(one); });
        input.files = kept.files;
        showPhotos(input);
      });
      return button;
    }));
  };
  document.addEventListener('change', (event) => { if (event.target.matches('input[data-previews]')) showPhotos(event.target); });

  // ---- the phone's place --------------------------------------------------------------------------------------
  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-here]');
    if (!button) return;
    const name = button.dataset.here;
    const say = (words) => { byId(`${name}-spot`).textContent = words; };
    if (!navigator.geolocation) { say('这部手机不给位置，请写一下在哪里。'); return; }
    say('正在定位…');
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      byId(`${name}-lon`).value = coords.longitude;
      byId(`${name}-lat`).value = coords.latitude;
      say(`位置记下了，误差约 ${Math.round(coords.accuracy)} 米。`);
    }, () => say('没有定到位置，请写一下在哪里。'), { enableHighAccuracy: true, timeout: 10000 });
  });

  // ---- sending once -------------------------------------------------------------------------------------------
  const said = new WeakMap();
  const setBusy = (form, busy) => {
    const button = form.querySelector('button[type="submit"]');
    if (!button) return;
    if (busy) {
      said.set(button, [...button.childNodes]);
      button.textContent = button.dataset.busy || '正在发送…';
    } else if (said.has(button)) {
      button.replaceChildren(...said.get(button));
    }
    button.disabled = busy;
    form.classList.toggle('sending', busy);
  };
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.matches('form[data-once]') || event.defaultPrevented) return;
    if (form.classList.contains('sending')) { event.preventDefault(); return; }
    if (navigator.onLine === false) {
      event.preventDefault();
      toast('现在没有网络，写的都还在，有网了再发', 'warn');
      return;
    }
    if (form.dataset.draft) store('draft-sent', draftKey(form));
    setBusy(form, true);
  });
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) all('form.sending').forEach((form) => setBusy(form, false));
  });

  // ---- sample logins, the table of kinds ----------------------------------------------------------------------
  const readyLogin = (button) => button.addEventListener('click', () => {
    const form = byId('login-form');
    form.elements.login.value = button.dataset.login;
    form.elements.password.value = button.dataset.password;
    form.querySelector('button[type="submit"]').focus();
  });
  const readyFilter = (field) => field.addEventListener('input', () => {
    const wanted = field.value.trim().toLowerCase();
    let found = 0;
    all('[data-filter-group]').forEach((group) => {
      let inGroup = 0;
      all(`${field.dataset.filter}[data-words]`, group).forEach((row) => {
        const match = row.dataset.words.toLowerCase().includes(wanted);
        row.hidden = !match;
        inGroup += match ? 1 : 0;
      });
      group.hidden = inGroup === 0;
      found += inGroup;
    });
    byId('filter-none').hidden = found > 0;
  });
  document.addEventListener('input', (event) => event.target.closest('form[data-dirty]')?.classList.add('dirty'));

  // ---- how parts that renew themselves came, before scripts made something of them; tokens are always new ones -----
  const RENEWED = ['list', 'lists', 'thread', 'glance', 'events'];
  const came = new WeakMap();
  const written = (part) => part.innerHTML.replace(/name="csrf_token" value="[^"]*"/g, '');
  const keepWritten = (within) => RENEWED.forEach((id) => {
    const part = byId(id);
    if (part && (within.contains(part) || part.contains(within))) came.set(part, written(part));
  });

  // ---- making a part of the page ready ------------------------------------------------------------------------
  const ready = (within) => {
    keepWritten(within);
    dropDialogs();
    all('.toast', within).forEach(readyToast);
    all('details[data-dialog]', within).forEach(makeDialog);
    if (wide()) all('details[data-open-wide]', within).forEach((details) => { details.open = true; });
    all('form[data-draft] textarea[name="text"]', within).forEach(readyDraft);
    all('[data-login]', within).forEach(readyLogin);
    all('[data-filter]', within).forEach(readyFilter);
  };
  ready(document);
  // Dialogs leave the part that brought them: fields in those are made ready with it, not again by htmx's own walk.
  document.addEventListener('htmx:load', (event) => { if (event.target !== document.body) ready(event.target); });

  // What a part asks for by itself is no sign that somebody sits before the page.
  document.addEventListener('htmx:configRequest', (event) => {
    const { elt, headers } = event.detail;
    if (/\b(every|live)\b/.test(elt.getAttribute('hx-trigger') || '')) headers['X-Background'] = '1';
  });

  // ---- lists and threads that refresh themselves (htmx) -------------------------------------------------------
  const offline = byId('offline');
  const sayOffline = (words, href = '') => {
    const line = offline.querySelector('span');
    line.textContent = words;
    if (href) {
      const link = document.createElement('a');
      link.href = href;
      link.textContent = '重新登录';
      line.append(link);
    }
    offline.hidden = false;
  };
  const refresher = (event) => event.target instanceof Element && event.target.closest('[data-refresh]');
  const failed = (event) => { if (refresher(event)) sayOffline('网络不通，正在重试'); };
  ['htmx:sendError', 'htmx:timeout', 'htmx:responseError'].forEach((name) => document.addEventListener(name, failed));
  document.addEventListener('htmx:beforeRequest', (event) => {
    const box = refresher(event);
    if (!box) return;
    const playing = all('audio, video', box).some((media) => !media.paused);
    const selecting = !window.getSelection().isCollapsed && box.contains(window.getSelection().anchorNode);
    const choosing = box.querySelector('input:checked, textarea:focus');
    const sending = document.querySelector('form.sending');  // the page that follows has it all
    if (document.hidden || playing || selecting || choosing || sending) event.preventDefault();
  });
  document.addEventListener('htmx:beforeSwap', (event) => {
    const box = refresher(event);
    if (!box || event.detail.xhr.status !== 200) return;
    const fresh = new DOMParser().parseFromString(event.detail.xhr.responseText, 'text/html');
    const now = fresh.getElementById(box.id);
    if (!now) {
      event.detail.shouldSwap = false;
      sayOffline('登录已过期，', location.href);
      return;
    }
    offline.hidden = true;
    const page = byId('case');
    const freshPage = fresh.getElementById('case');
    if (page && freshPage && page.dataset.state !== freshPage.dataset.state) byId('changed').hidden = false;
    const added = Number(now.dataset.count || 0) - Number(box.dataset.count || 0);
    if (added > 0) toast(`有 ${added} 条新消息`, 'news', '#talk-end');
    const same = RENEWED.every((id) => {
      const mine = byId(id);
      const theirs = fresh.getElementById(id);
      return !mine || !theirs || (came.get(mine) ?? written(mine)) === written(theirs);
    });
    if (same) event.detail.shouldSwap = false;
    else if (fresh.title && !page) document.title = fresh.title;
  });

  // ---- danger to life -----------------------------------------------------------------------------------------
  let ringing = Number(byId('alarms')?.dataset.alarms || 0);
  const tone = (pitch = 660, seconds = 0.4) => {
    // Before anything was touched, browsers keep a page silent.
    if (document.body.dataset.sound === 'off' || navigator.userActivation?.hasBeenActive === false) return;
    try {
      const audio = new AudioContext();
      const [voice, loudness] = [audio.createOscillator(), audio.createGain()];
      voice.frequency.value = pitch;
      loudness.gain.setValueAtTime(0.12, audio.currentTime);
      loudness.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + seconds);
      voice.connect(loudness).connect(audio.destination);
      voice.start();
      voice.stop(audio.currentTime + seconds);
    } catch { /* a browser that stays silent shows the strip all the same */ }
  };
  // A desk that nobody touched for long is signed out, and would stay silent in danger: so it says that loudly.
  const signedOut = () => {
    if (root.classList.contains('signed-out')) return;
    root.classList.add('signed-out');
    all('[hx-trigger]').forEach((part) => { part.setAttribute('hx-trigger', 'none'); window.htmx.process(part); });
    sayOffline('登录已过期，不再提醒警情。', location.href);
    tone(440, 0.8);
  };
  document.addEventListener('htmx:beforeSwap', (event) => {
    if (event.detail.target?.id !== 'alarms' || event.detail.serverResponse.includes('id="alarms"')) return;
    event.detail.shouldSwap = false;
    if (event.detail.xhr.status === 200) signedOut();
  });
  document.addEventListener('htmx:afterSettle', () => {
    const now = Number(byId('alarms')?.dataset.alarms || 0);
    if (now > ringing) tone();
    document.title = document.title.replace(/^【警情】/, '');
    if (now) document.title = `【警情】${document.title}`;
    ringing = now;
  });

  // What the other files of the console share.
  window.wanggetong = { all, byId, wide, toast, tone, store, stored, draftKey, setBusy, showPhotos };
})();
