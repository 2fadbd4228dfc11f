/* A spoken note: recorded here, heard before it is sent, and put into the form as a file like any other. */
'use strict';
(() => {
  const { all, toast } = window.wanggetong;
  const LONGEST = 60;
  const KINDS = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/ogg;codecs=opus'];
  const possible = Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);
  const kind = possible ? KINDS.find((each) => MediaRecorder.isTypeSupported(each)) : '';

  const readyRecorder = (box) => {
    const [file, start, heard, drop, state] = ['input', '[data-record]', 'audio', '[data-unrecord]', '[role="status"]'].map((part) => box.querySelector(part));
    const words = start.querySelector('span');
    const text = file.form.elements.text;
    const needed = text?.required && file.form.dataset.action === 'note';
    let recorder = null;
    let ticking = 0;
    const put = (blob) => {
      const files = new DataTransfer();
      if (blob) files.items.add(new File([blob], `voice.${blob.type.includes('mp4') ? 'm4a' : 'webm'}`, { type: blob.type }));
      file.files = files.files;
      if (heard.src) URL.revokeObjectURL(heard.src);
      if (blob) heard.src = URL.createObjectURL(blob); else heard.removeAttribute('src');
      heard.hidden = drop.hidden = !blob;
      words.textContent = blob ? '重新录' : '录一段话';
      if (needed) text.required = !blob;
      file.dispatchEvent(new Event('change', { bubbles: true }));
    };
    const record = async () => {
      let stream;
      try {
        stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      } catch {
        toast('没有录音的权限，请在浏览器的网站设置里打开麦克风');
        return;
      }
      const parts = [];
      const since = Date.now();
      recorder = new MediaRecorder(stream, { mimeType: kind, audioBitsPerSecond: 32000 });
      recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
      recorder.addEventListener('stop', () => {
        clearInterval(ticking);
        stream.getTracks().forEach((track) => track.stop());
        recorder = null;
        state.textContent = '';
        start.classList.remove('recording');
        put(new Blob(parts, { type: kind.split(';')[0] }));
      });
      recorder.start();
      start.classList.add('recording');
      words.textContent = '录好了';
      const tick = () => {
        const seconds = Math.floor((Date.now() - since) / 1000);
        state.textContent = `正在录 ${seconds} 秒，最长 ${LONGEST} 秒`;
        if (seconds >= LONGEST) recorder?.stop();
      };
      tick();
      ticking = setInterval(tick, 500);
    };
    start.addEventListener('click', () => { if (recorder) recorder.stop(); else record(); });
    drop.addEventListener('click', () => put(null));
    file.form.addEventListener('reset', () => setTimeout(() => put(null)));
    box.hidden = false;
  };

  const done = new WeakSet();
  const ready = (within) => all('[data-recorder]', within).forEach((box) => {
    if (!kind || done.has(box)) return;
    done.add(box);
    readyRecorder(box);
  });
  ready(document);
  document.addEventListener('htmx:load', (event) => { if (event.target !== document.body) ready(event.target); });
})();
