/* Forms that survive a lost connection: what cannot be sent is kept on the phone, shown as waiting, and sent once. */
'use strict';
(() => {
  const { all, byId, toast, store, stored, draftKey, setBusy, showPhotos } = window.wanggetong;
  const { put, drop, items, send, ask, flush, channel } = window.wanggetongOutbox;
  const PERSON = 'person';
  const remember = (mark) => { try { if (mark) localStorage.setItem(PERSON, mark); else localStorage.removeItem(PERSON); } catch { /* private mode */ } };
  const remembered = () => { try { return localStorage.getItem(PERSON) || ''; } catch { return ''; } };
  const here = document.body.dataset.person || '';
  if (here) remember(here);
  const person = () => here || remembered();
  const say = (words, kind, href) => toast(words, kind, href);

  // ---- the strip, and the list on the page for times without a network --------------------------------------------
  const strip = () => {
    const found = byId('unsent');
    if (found) return found;
    const line = document.createElement('p');
    line.className = 'unsent';
    line.id = 'unsent';
    line.setAttribute('role', 'status');
    const link = document.createElement('a');
    link.href = '/console/offline';
    line.append(link);
    byId('main').before(line);
    return line;
  };
  const button = (words, act, quiet = 'button quiet') => {
    const made = document.createElement('button');
    made.type = 'button';
    made.className = quiet;
    made.textContent = words;
    made.addEventListener('click', act);
    return made;
  };
  const line = (item) => {
    const row = document.createElement('li');
    const [title, about] = [document.createElement('p'), document.createElement('p')];
    const photos = item.fields.filter(([, value]) => value instanceof Blob).length;
    title.className = 'words';
    title.textContent = item.title;
    about.className = 'soft small';
    about.textContent = `${new Date(item.at).toLocaleString('zh-CN', { dateStyle: 'short', timeStyle: 'short' })} 写的${photos ? `，${photos} 个附件` : ''}。${item.why || '等网络，有网自动发。'}`;
    const remove = button('删掉', async () => { if (window.confirm('删掉就找不回来了。删吗？')) { await drop(item.key); show(); } });
    const again = button('再发一次', async () => { await put({ ...item, why: '', at: Date.now(), key: newKey() }); tryAll(); });
    const foot = document.createElement('p');
    foot.className = 'actions-row';
    foot.append(...(item.why ? [again, remove] : [remove]));
    row.append(title, about, foot);
    return row;
  };
  let loggedOut = false;
  const show = async () => {
    const mine = person() ? await items(person()) : [];
    const waiting = mine.filter(({ why }) => !why).length;
    const words = [];
    if (waiting && loggedOut) words.push(`${waiting} 件没发：请先登录，登录后自动发`);
    else if (waiting) words.push(`${waiting} 件等网络，有网自动发`);
    if (mine.length > waiting) words.push(`${mine.length - waiting} 件没发成，点开看看`);
    if (words.length || byId('unsent')) {
      strip().hidden = !words.length;
      strip().firstElementChild.textContent = words.join('；');
    }
    const list = byId('unsent-list');
    if (!list) return;
    list.replaceChildren(...mine.map(line));
    byId('unsent-none').hidden = mine.length > 0;
  };
  const tryAll = async () => {
    if (navigator.onLine === false) { await show(); return; }
    try {
      const { sent, login } = await flush();
      loggedOut = login;
      const left = new Set((await items(person())).map(({ title }) => title));
      const gone = sent.filter((title) => !left.has(title));
      if (gone.length) say(gone.length === 1 ? `发出去了：${gone[0]}` : `${gone.length} 件发出去了`, 'ok');
    } catch { /* no network after all */ }
    await show();
  };
  if (channel) channel.onmessage = show;

  // ---- what the page before wants said here ------------------------------------------------------------------------
  const SAID = 'said';
  JSON.parse(stored(SAID) || '[]').forEach(([kind, words]) => say(words, kind));
  store(SAID, '');

  // ---- sending a form -------------------------------------------------------------------------------------------
  const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, '0')).join('');
  const titleOf = (form) => {
    const number = /\/cases\/(\d+)\//.exec(form.getAttribute('action') || '')?.[1];
    const act = form.querySelector('button[type="submit"]').textContent.trim();
    const words = (form.elements.text?.value || '').trim();
    return `${number ? `工单 ${number} ` : ''}${act}${words ? `：${words.length > 40 ? `${words.slice(0, 40)}…` : words}` : ''}`;
  };
  const itemOf = (form) => ({
    key: form.elements.once.value, person: person(), at: Date.now(), title: titleOf(form), why: '',
    address: new URL(form.getAttribute('action') || location.pathname, location.href).pathname,
    fields: [...new FormData(form)].filter(([name, value]) => !['csrf_token', 'once'].includes(name) && !(value instanceof File && !value.name)),
  });
  const clear = (form) => {
    form.reset();
    form.elements.once.value = '';
    if (form.dataset.draft) store(draftKey(form), '');
    all('input[data-previews]', form).forEach(showPhotos);
    form.closest('dialog')?.close();
  };
  const keep = async (form, item) => {
    try {
      await put(item);
    } catch {
      say('手机里存不下了，先别关这一页，有网再发', 'error');
      return;
    }
    clear(form);
    await show();
    say('没有网络，先存在手机里，有网自动发', 'warn');
    navigator.serviceWorker?.ready.then((worker) => worker.sync?.register('unsent')).catch(() => {});
  };
  const sendNow = async (form, item) => {
    const token = form.elements.csrf_token?.value;
    let answer = await send(item, token, 'now');
    if (answer.status !== 400) return answer;
    const who = await ask();  // the page stood open for too long
    if (!who) return { to: '/console/login' };
    if (who.person !== item.person) return answer;
    answer = await send(item, who.csrf, 'now');
    return answer;
  };
  const WHY = { 413: '照片太大了，请一次少选几张', 404: '没有这个工单，或者它不归您管了' };
  const deliver = async (form) => {
    form.elements.once.value ||= newKey();
    const item = itemOf(form);
    if (navigator.onLine === false || form.dataset.keep !== undefined) { await keep(form, item); return; }
    setBusy(form, true);
    try {
      const { to, refused, status, said = [] } = await sendNow(form, item);
      if (to?.startsWith('/console/login')) { await keep(form, item); location.assign(to); return; }
      if (to) {
        if (form.dataset.draft && said.some(([kind]) => kind === 'ok')) store(draftKey(form), '');
        store(SAID, JSON.stringify(said));
        location.assign(to);
        return;
      }
      say(refused || WHY[status] || '没有成功，请稍后再试', 'error');
    } catch {
      await keep(form, item);
    }
    setBusy(form, false);
  };
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.matches('form[data-once]') || !form.elements.once || event.defaultPrevented) return;
    event.preventDefault();
    if (!form.classList.contains('sending')) deliver(form).then(() => { if (form.dataset.keep !== undefined) tryAll(); });
  }, true);
  // Changed words are another matter.
  ['input', 'change'].forEach((name) => document.addEventListener(name, (event) => {
    const form = event.target.form;
    if (form?.elements.once) form.elements.once.value = '';
  }));

  // ---- logging out leaves nobody's words on the phone ---------------------------------------------------------------
  document.addEventListener('submit', async (event) => {
    const form = event.target;
    if (!form.matches('form[data-logout]')) return;
    event.preventDefault();
    const mine = await items(person()).catch(() => []);
    if (mine.length && !window.confirm(`还有 ${mine.length} 件没发出去，退出就删掉了。要退出吗？`)) return;
    await Promise.all(mine.map(({ key }) => drop(key)));
    remember('');
    try { sessionStorage.clear(); } catch { /* private mode */ }
    form.submit();
  });

  if ('serviceWorker' in navigator) navigator.serviceWorker.register('/console/sw.js').catch(() => { /* works without */ });
  window.addEventListener('online', tryAll);
  tryAll();
})();
