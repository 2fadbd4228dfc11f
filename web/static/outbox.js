/* What was written without a network waits here, in the browser's own database, and is sent once. Pages and the service
   worker share this file. Each item has a key that the server knows again, and the mark of the person who wrote it. */
'use strict';
(() => {
  const DAY = 24 * 3600 * 1000;
  const OLD = 6 * DAY;        // the server knows a key for seven days
  const FORGOTTEN = 30 * DAY;
  const PATIENCE = 120000;    // for one item, with its photos

  // ---- the database ---------------------------------------------------------------------------------------------
  const open = () => new Promise((resolve, reject) => {
    const request = indexedDB.open('wanggetong', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('unsent', { keyPath: 'key' });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const run = async (mode, act) => {
    const database = await open();
    try {
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction('unsent', mode);
        const request = act(transaction.objectStore('unsent'));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onabort = () => reject(transaction.error);
      });
    } finally {
      database.close();
    }
  };
  const channel = 'BroadcastChannel' in self ? new BroadcastChannel('wanggetong-unsent') : null;
  const changed = () => channel?.postMessage('changed');
  const put = async (item) => { await run('readwrite', (store) => store.put(item)); changed(); };
  const drop = async (key) => { await run('readwrite', (store) => store.delete(key)); changed(); };
  const items = async (person) => {
    const found = await run('readonly', (store) => store.getAll());
    return found.filter((item) => item.person === person).sort((one, other) => one.at - other.at);
  };

  // ---- sending --------------------------------------------------------------------------------------------------
  // Return what became of it: where it leads (`to`), why not (`refused`), or the status of an answer that says neither.
  const send = async (item, token, when) => {
    const body = new FormData();
    body.set('csrf_token', token);
    item.fields.forEach(([name, value]) => body.append(name, value));
    body.set('once', item.key);
    const signal = AbortSignal.timeout?.(PATIENCE);
    const answer = await fetch(item.address, { method: 'POST', body, signal, headers: { 'X-Sent': when, 'X-Background': '1' } });
    const json = (answer.headers.get('Content-Type') || '').startsWith('application/json');
    return { status: answer.status, ...(json ? await answer.json() : {}) };
  };
  // Who is logged in now, with a fresh token; null for nobody.
  const ask = async () => {
    const answer = await fetch('/console/token', { headers: { 'X-Background': '1' } });
    const who = answer.ok ? await answer.json() : {};
    return who.person ? who : null;
  };
  const MOST_TRIES = 5;
  const WHY = { 403: '您的账号不能做这一步了。', 404: '没有这个工单了，或者它不归您管了。', 413: '照片太大了。' };
  const turn = async (item, who) => {
    if (Date.now() - item.at > OLD) return put({ ...item, why: '放了太久没发出去，请看看还要不要报。' });
    const { status, to, refused } = await send(item, who.csrf, 'later');
    if (to && !to.startsWith('/console/login')) return drop(item.key);
    const tries = (item.tries || 0) + 1;
    const why = refused || WHY[status] || (tries >= MOST_TRIES ? '服务器没有收下，请看看还要不要报。' : '');
    return put({ ...item, why, tries });
  };
  const alone = (act) => (navigator.locks ? navigator.locks.request('wanggetong-unsent', act) : act());

  // Send what waits, as far as it is the logged-in person's own. `left`: how many still wait for a network.
  const flush = () => alone(async () => {
    const all = await run('readonly', (store) => store.getAll());
    await Promise.all(all.filter(({ at }) => Date.now() - at > FORGOTTEN).map(({ key }) => drop(key)));
    const waiting = all.filter(({ why }) => !why);
    const outcome = { sent: [], login: false, left: waiting.length };
    if (!waiting.length) return outcome;
    const who = await ask();
    const own = waiting.filter(({ person }) => person === who?.person).sort((one, other) => one.at - other.at);
    outcome.login = who === null;
    outcome.left = who ? own.length : 0;
    try {
      for (const item of own) {  // in the order in which they were written
        await turn(item, who);
        outcome.left -= 1;
        outcome.sent.push(item.title);
      }
    } catch { /* the network is gone again, or the server is away: the rest waits */ }
    return outcome;
  });

  self.wanggetongOutbox = { put, drop, items, send, ask, flush, channel };
})();
