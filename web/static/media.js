/* Photos open in a viewer, before and after lie over each other, a voice plays with its words in step.
   Without this file a photo opens by itself, both photos stand side by side, and the browser plays the voice. */
'use strict';
(() => {
  const { all, byId, toast } = window.wanggetong;
  const own = document.currentScript.dataset;

  // ---- photos in a viewer: its code comes with the first photo that is opened -----------------------------------
  const NAMES = {
    'zoom-in': '放大', 'zoom-out': '缩小', reset: '还原', prev: '上一张', next: '下一张',
    'rotate-left': '向左转', 'rotate-right': '向右转', mix: '关闭',
  };
  const TOOLS = { zoomOut: true, zoomIn: true, reset: true, prev: true, next: true, rotateLeft: true, rotateRight: true };
  let viewer = null;
  let loading = null;
  const load = () => {
    loading ??= new Promise((resolve, reject) => {
      const style = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: own.viewerStyle });
      const script = Object.assign(document.createElement('script'), { src: own.viewer });
      script.addEventListener('load', () => resolve(window.Viewer));
      script.addEventListener('error', () => { loading = null; script.remove(); reject(new Error('no viewer')); });
      document.head.append(style, script);
    });
    return loading;
  };
  const name = (root) => {
    root.setAttribute('aria-modal', 'true');
    all('[data-viewer-action]', root).forEach((button) => {
      const words = NAMES[button.dataset.viewerAction];
      if (!words) return;
      button.setAttribute('aria-label', words);
      button.tabIndex = 0;
    });
  };
  // All photos of the place in which one of them was opened, each once.
  const photosAround = (link) => {
    const around = link.closest('#thread, #photos, .panel, main') || document.body;
    const seen = new Set();
    return all('a[data-media="photo"]', around).filter(({ href }) => !seen.has(href) && seen.add(href));
  };
  const open = async (link) => {
    const links = photosAround(link);
    const at = links.findIndex(({ href }) => href === link.href);
    const list = document.createElement('div');
    list.append(...links.map((each) => {
      const image = document.createElement('img');
      image.src = each.querySelector('img').src;
      image.alt = each.querySelector('img').alt.replace(/，点开看大图$/, '');
      image.dataset.full = each.href;
      return image;
    }));
    const Viewer = await load();
    const from = document.activeElement;
    viewer = new Viewer(list, {
      url: (image) => image.dataset.full, initialViewIndex: at, toolbar: TOOLS, navbar: links.length > 1, transition: false,
      tooltip: true, loop: false, title: [1, (image) => `${image.alt}（${viewer.index + 1} / ${links.length}）`],
      ready: () => name(viewer.viewer), shown: () => { viewer.viewer.focus(); },
      hidden: () => { viewer.destroy(); viewer = null; from?.focus(); },
    });
    viewer.show();
  };
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-media="photo"]');
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(link).catch(() => { toast('大图没有打开，网络不通。再点一次试试。'); });
  });
  // While a photo is open, the keys are its own: the desk below hears none of them.
  const KEYS = {
    Escape: () => viewer.hide(), ArrowLeft: () => viewer.prev(), ArrowRight: () => viewer.next(),
    ArrowUp: () => viewer.zoom(0.2), ArrowDown: () => viewer.zoom(-0.2), '+': () => viewer.zoom(0.2), '=': () => viewer.zoom(0.2),
    '-': () => viewer.zoom(-0.2), r: () => viewer.rotate(90), R: () => viewer.rotate(-90), 0: () => viewer.reset(),
  };
  const press = () => document.activeElement?.closest('[data-viewer-action]')?.click();
  const round = (event) => {
    const stops = [...viewer.viewer.querySelectorAll('[data-viewer-action]')].filter((each) => each.offsetParent && each.tabIndex === 0);
    const now = stops.indexOf(document.activeElement);
    stops[(now + (event.shiftKey ? -1 : 1) + stops.length) % stops.length]?.focus();
  };
  window.addEventListener('keydown', (event) => {
    if (!viewer || event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopImmediatePropagation();
    const act = KEYS[event.key] || { Enter: press, ' ': press, Tab: () => round(event) }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }, true);

  // ---- before and after ---------------------------------------------------------------------------------------
  const readyCompare = (figure) => {
    const line = figure.querySelector('.compare-line');
    const move = () => {
      figure.style.setProperty('--cut', `${line.value}%`);
      line.setAttribute('aria-valuetext', `左边百分之${line.value}是办之前`);
    };
    figure.classList.add('ready');
    line.addEventListener('input', move);
    move();
  };

  // ---- voices -------------------------------------------------------------------------------------------------
  const SPEEDS = [1, 1.25, 1.5, 2];
  const KEPT = 'voice-speed';
  const speedKept = () => { try { return Number(localStorage.getItem(KEPT)) || 1; } catch { return 1; } };
  const keepSpeed = (speed) => { try { localStorage.setItem(KEPT, String(speed)); } catch { /* private mode */ } };
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
  const readyWords = (audio, box) => {
    const parts = [...(byId(box.dataset.said)?.querySelectorAll('.said') || [])];
    parts.forEach((part) => {
      const jump = () => { audio.currentTime = Number(part.dataset.from); audio.play(); };
      part.setAttribute('role', 'button');
      part.tabIndex = 0;
      part.addEventListener('click', jump);
      part.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        jump();
      });
    });
    return (now) => parts.forEach((part) => {
      const spoken = now > 0 && now >= Number(part.dataset.from) && now < Number(part.dataset.to);
      part.classList.toggle('now', spoken);
      if (spoken) part.setAttribute('aria-current', 'true'); else part.removeAttribute('aria-current');
    });
  };
  const readyVoice = (box) => {
    const audio = box.querySelector('audio');
    const player = box.querySelector('.player');
    const [play, scrub, time, speed] = ['play', 'scrub', 'time', 'speed'].map((part) => player.querySelector(`.player-${part}`));
    const mark = readyWords(audio, box);
    const length = () => (Number.isFinite(audio.duration) ? audio.duration : Number(scrub.max));
    const show = () => {
      scrub.max = length();
      scrub.value = audio.currentTime;
      time.textContent = `${clock(audio.currentTime)} / ${clock(length())}`;
      scrub.setAttribute('aria-valuetext', time.textContent);
      mark(audio.currentTime);
    };
    const setSpeed = (value) => {
      audio.defaultPlaybackRate = value;
      audio.playbackRate = value;
      speed.textContent = `${value}×`;
      speed.setAttribute('aria-label', `语速 ${value} 倍`);
    };
    const state = () => {
      player.classList.toggle('playing', !audio.paused);
      play.setAttribute('aria-label', audio.paused ? '播放' : '暂停');
    };
    audio.controls = false;
    audio.classList.add('own-player');
    player.hidden = false;
    setSpeed(speedKept());
    show();
    ['timeupdate', 'durationchange', 'seeked', 'ended'].forEach((each) => audio.addEventListener(each, show));
    ['play', 'pause', 'ended'].forEach((each) => audio.addEventListener(each, state));
    audio.addEventListener('play', () => all('audio').forEach((other) => { if (other !== audio) other.pause(); }));
    audio.addEventListener('error', () => { if (audio.error) toast('语音没有放出来，再点一次试试。'); });
    play.addEventListener('click', () => { if (audio.paused) audio.play().catch(() => state()); else audio.pause(); });
    scrub.addEventListener('input', () => { audio.currentTime = Number(scrub.value); });
    speed.addEventListener('click', () => {
      const next = SPEEDS[(SPEEDS.indexOf(audio.playbackRate) + 1) % SPEEDS.length];
      setSpeed(next);
      keepSpeed(next);
    });
  };

  // ---- making a part of the page ready --------------------------------------------------------------------------
  const done = new WeakSet();
  const ready = (within) => {
    const once = (selector, make) => all(selector, within).forEach((part) => { if (!done.has(part)) { done.add(part); make(part); } });
    once('[data-compare]', readyCompare);
    once('.voice[data-said]', readyVoice);
  };
  ready(document);
  document.addEventListener('htmx:load', (event) => { if (event.target !== document.body) ready(event.target); });
})();
