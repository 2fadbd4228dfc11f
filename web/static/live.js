/* What comes by itself. One tab of a browser holds the stream and tells the others, as browsers allow few connections;
   a stream that breaks is opened again, later and later. */
'use strict';
(() => {
  const { byId, toast, tone } = window.wanggetong;
  const SOON = 250;
  const CALM = 3000;       // the list is asked for at most so often, whatever happens
  const FIRST_WAIT = 2000;
  const LONGEST_WAIT = 60000;
  const ask = (id) => { const part = byId(id); if (part) window.htmx.trigger(part, 'live'); };

  // ---- what news mean for this page ---------------------------------------------------------------------------
  let lastList = 0;
  let planned = null;
  const askList = () => {
    if (planned) return;
    const wait = Math.max(SOON + Math.random() * 1000, lastList + CALM - Date.now());
    planned = setTimeout(() => { planned = null; lastList = Date.now(); ask('list'); ask('home'); }, wait);
  };
  const hear = ({ cases, came, notices }) => {
    if (cases.length) { askList(); ask('alarms'); }
    const here = byId('case')?.dataset.number;
    if (here && cases.includes(here)) ask('thread');
    if (notices.length) ask('bell');
    if (notices.some((notice) => notice.pressing)) tone(520, 0.5);
    else if (came.length) tone(880, 0.15);
  };
  // Only the tab that holds the stream tells the system, so that one thing is told once.
  const tellSystem = ({ came, notices }) => {
    if (!document.hidden || !('Notification' in window) || Notification.permission !== 'granted') return;
    const told = notices.map(({ number }) => number);
    const arrived = came.filter((number) => !told.includes(number)).map((number) => ({ name: '来了新工单', number }));
    [...notices, ...arrived].slice(0, 3).forEach(({ name, number }) => {
      const shown = new Notification(`网格通：${name}`, { body: `工单 ${number}`, tag: `${name}${number}`, icon: '/static/mark.svg', silent: true });
      shown.onclick = () => { window.focus(); location.assign(`/console/cases/${number}`); shown.close(); };
    });
  };

  // ---- the stream ---------------------------------------------------------------------------------------------
  const channel = 'BroadcastChannel' in window ? new BroadcastChannel('wanggetong-live') : null;
  if (channel) channel.onmessage = (event) => hear(event.data);
  const listen = () => new Promise(() => {
    let wait = FIRST_WAIT;
    let source = null;
    const open = () => {
      source = new EventSource('/console/live');
      source.addEventListener('open', () => { wait = FIRST_WAIT; });
      source.addEventListener('news', (event) => {
        const news = JSON.parse(event.data);
        hear(news);
        channel?.postMessage(news);
        tellSystem(news);
      });
      source.addEventListener('error', () => {
        if (source.readyState !== EventSource.CLOSED) return;  // the browser tries again by itself
        setTimeout(open, wait * (0.75 + Math.random() / 2));
        wait = Math.min(wait * 2, LONGEST_WAIT);
      });
    };
    window.addEventListener('pagehide', () => source.close());
    window.addEventListener('pageshow', (event) => { if (event.persisted) open(); });
    open();
  });
  if (channel && navigator.locks) navigator.locks.request('wanggetong-live', listen); else listen();

  // ---- who else looks at this case ----------------------------------------------------------------------------
  const PEOPLE_SECONDS = 10;
  const look = async () => {
    const page = byId('case');
    const line = byId('people');
    if (!page || !line || document.hidden) return;
    try {
      const answer = await fetch(`/console/cases/${page.dataset.number}/people`, { headers: { 'X-Background': '1' } });
      if (!answer.ok || answer.redirected) return;
      const { people } = await answer.json();
      line.hidden = people.length === 0;
      line.querySelector('span').textContent = `${people.join('、')}也在看这一件`;
    } catch { /* the next time */ }
  };
  look();
  setInterval(look, PEOPLE_SECONDS * 1000);
  document.addEventListener('htmx:afterSettle', (event) => { if (event.detail.target?.id === 'pane') look(); });

  // ---- notices of the system ----------------------------------------------------------------------------------
  const button = byId('ask-notify');
  const state = () => {
    const known = 'Notification' in window ? Notification.permission : 'none';
    const words = { none: '这个浏览器不能弹出提醒', granted: '开着：页面在后台时会弹出', denied: '被浏览器关掉了，请在浏览器的网站设置里打开', default: '' };
    byId('notify-state').textContent = words[known];
    button.hidden = known !== 'default';
  };
  if (button) {
    state();
    button.addEventListener('click', async () => { await Notification.requestPermission(); state(); if (Notification.permission === 'granted') toast('好了，有新提醒会弹出来', 'ok'); });
  }
})();
